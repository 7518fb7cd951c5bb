//! An index-only scan that goes to the table all the same.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use super::{
    candidate,
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// An index-only scan that goes to the table all the same.
pub static CHECK: Check = Check {
    id: "plan-heap-fetches",
    title: "An index-only scan visits the table",
    thresholds: &[&MAX_FETCHED, &MIN_FETCHES, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Safe),
    explain: explained! {
        detects: "Index-only scans that visited the table for more than `max_fetched_ratio` of their rows, \
                  `min_heap_fetches` at least.",
        matters: "A page that VACUUM has not marked all-visible must be read to see whether the row may be seen: the \
                  scan then costs what an ordinary index scan does.",
        fix: "`VACUUM` the table; let autovacuum come more often.",
        ignore: "The table is rewritten all day long and no vacuum can keep up: then plan for an ordinary index scan.",
        references: "PostgreSQL documentation: Index-Only Scans and Covering Indexes; The Visibility Map.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_FETCHED: Threshold = Threshold {
    key: "max_fetched_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "a tenth fetched is where an index-only scan begins to lose its point",
};

static MIN_FETCHES: Threshold = Threshold {
    key: "min_heap_fetches",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (0.0, 1e9),
    why: "a thousand fetches are the least that can be felt",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        let fetches = node.heap_fetches.filter(|_| node.kind == "Index Only Scan")?;
        let rows =
            (actual.rows + actual.removed.by_filter + actual.removed.by_recheck) * actual.loops;
        let ratio = fetches / rows.max(fetches).max(1.0);
        if ratio <= cx.limit(&MAX_FETCHED) || fetches < cx.limit(&MIN_FETCHES) {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) * ratio * 0.8)?;
        let problem = format!(
            "went to the table for {} of {} rows, since their pages are not marked all-visible",
            words::count(fetches),
            words::count(rows)
        );
        let advice = "VACUUM the table, and let autovacuum come more often (autovacuum_vacuum_scale_factor, and for \
                      tables that are only inserted into autovacuum_vacuum_insert_scale_factor).";
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(counted("heap fetches", fetches))
            .with(
                Evidence::new("of the rows", ratio, Unit::Ratio, "EXPLAIN ANALYZE")
                    .against(cx.limit(&MAX_FETCHED)),
            );
        let fix = candidate::table_of(node).map(|table| {
            let fix = Fix::new(FixKind::Safe, [format!("VACUUM (ANALYZE) {table};")]);
            fix.locking("ShareUpdateExclusiveLock", "other maintenance of the table")
        });
        Some(match fix {
            Some(fix) => finding.fixed_by(fix),
            None => finding,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn scan(rows: u64, fetches: u64) -> String {
        format!(
            "Index Only Scan using i on app.t  (cost=0.4..9.0 rows=10 width=4) \
             (actual time=0.1..80.0 rows={rows} loops=1)\n  Index Cond: (a < 7)\n  Heap Fetches: {fetches}\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        let finding = found(&CHECK, &scan(4_000, 1_000)).remove(0);
        assert_eq!(finding.fix.unwrap().statements, ["VACUUM (ANALYZE) app.t;"]);
        assert_eq!(found(&CHECK, &scan(10_000, 1_000)).len(), 0);
        assert_eq!(found(&CHECK, &scan(999, 999)).len(), 0);
    }

    #[test]
    fn an_ordinary_index_scan_always_fetches() {
        assert_eq!(found(&CHECK, &scan(9_000, 9_000).replace("Index Only", "Index")).len(), 0);
    }
}
