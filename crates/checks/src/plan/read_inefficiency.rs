//! An index scan that touches more pages than it finds rows.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    sql,
    view::StatementView,
    words,
};

/// An index scan that touches more pages than it finds rows.
pub static CHECK: Check = Check {
    id: "plan-read-inefficiency",
    title: "Rows lie scattered over the table",
    severity: Severity::Info,
    thresholds: &[&MIN_ROWS, &MAX_PAGES, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Index scans of `min_rows` rows or more that touch more than `max_pages_per_row` pages for each row, \
                  descents of the index not counted.",
        matters: "One page for each row is the worst a healthy table can ask for; more means dead entries in the index \
                  or chains of old row versions.",
        fix: "Rebuild a bloated index; cluster the table or cover the columns where the rows are read together all \
                  the time.",
        ignore: "The pages are always in memory and the statement is fast enough.",
        references: "PostgreSQL documentation: REINDEX; CLUSTER; Index-Only Scans.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "below a thousand rows the descents rule the figure",
};

static MAX_PAGES: Threshold = Threshold {
    key: "max_pages_per_row",
    unit: Unit::Factor,
    default: 1.2,
    strict: None,
    range: (1.0, 100.0),
    why: "one page for each row, and a fifth for leaves of the index",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        if node.kind != "Index Scan" {
            return None;
        }
        let touched = seen.account.shares[at].self_buffers?.touched() as f64;
        let rows =
            (actual.rows + actual.removed.by_filter + actual.removed.by_recheck) * actual.loops;
        // Every execution descends the index once: up to five pages that say nothing of the table.
        let pages = touched - DESCENT * actual.loops;
        let per_row = pages / rows.max(1.0);
        if rows < cx.limit(&MIN_ROWS) || per_row <= cx.limit(&MAX_PAGES) {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) * (1.0 - 1.0 / per_row) / 2.0)?;
        let problem =
            format!("touched {} pages for {} rows", words::count(touched), words::count(rows));
        let advice = "Rows that are read together lie apart, or the index is bloated: REINDEX INDEX CONCURRENTLY if it \
                      is; CLUSTER (or an index that covers the columns wanted, so that the table is not visited) if it \
                      is not.";
        let fix = node.index.as_ref().map(|index| {
            let name = match &node.schema {
                Some(schema) => sql::qualified(schema, index),
                None => sql::ident(index),
            };
            Fix::new(FixKind::Review, [format!("REINDEX INDEX CONCURRENTLY {name};")])
                .locking("ShareUpdateExclusiveLock", "other maintenance of the table")
        });
        let finding = seen
            .finding(cx, Severity::Info, at, gain, (&problem, advice))
            .with(
                Evidence::new("pages per row", per_row, Unit::Factor, "EXPLAIN (BUFFERS)")
                    .against(cx.limit(&MAX_PAGES)),
            )
            .with(counted("rows", rows));
        Some(match fix {
            Some(fix) => finding.fixed_by(fix),
            None => finding,
        })
    })
}

/// Pages of an index from its root to a leaf, at most, in any index of sensible size.
const DESCENT: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn scan(rows: u64, pages: u64, loops: u64) -> String {
        format!(
            "Index Scan using i on app.t  (cost=0.4..9.0 rows=10 width=4) (actual time=0.1..80.0 rows={rows} loops={loops})\n  \
             Index Cond: (a < 7)\n  Buffers: shared hit={pages}\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        let finding = found(&CHECK, &scan(2_000, 3_000, 1)).remove(0);
        assert_eq!(finding.fix.unwrap().statements, ["REINDEX INDEX CONCURRENTLY app.i;"]);
        assert_eq!(found(&CHECK, &scan(2_000, 2_405, 1)).len(), 0, "1.2 pages per row");
        assert_eq!(found(&CHECK, &scan(999, 3_000, 1)).len(), 0);
    }

    #[test]
    fn descents_do_not_count() {
        assert_eq!(
            found(&CHECK, &scan(1, 5_000, 1_000)).len(),
            0,
            "four pages of the index and one of the table"
        );
    }
}
