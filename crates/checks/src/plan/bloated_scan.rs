//! A table read whole of which most pages hold nothing.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use super::{
    candidate, catalogue,
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each, explained},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    pg::bloat::{self, Confidence, Facts, evidence},
    skip::Judged,
    view::StatementView,
    words,
};

/// A table read whole of which most pages hold nothing.
pub static CHECK: Check = Check {
    id: "plan-bloated-scan",
    title: "A scan reads far more pages than its rows fill",
    needs: &["plans", "facts"],
    thresholds: &[&MIN_BLOAT, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Sequential scans of tables of which more than `min_bloat_ratio` would be gone if they were written \
                  afresh, by the widths of `pg_stats`; what the estimate may be wrong by is taken off first.",
        matters: "A sequential scan reads every page, empty or not, and so does the cache.",
        fix: "Let autovacuum come more often, so that the room is used again; rewrite the table where it is not.",
        ignore: "The room will be filled again soon.",
        references: "PostgreSQL documentation: Recovering Disk Space; Database Page Layout.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_BLOAT: Threshold = Threshold {
    key: "min_bloat_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: Some(0.3),
    range: (0.05, 1.0),
    why: "twice the pages that the rows fill",
};

/// Bytes of a page where the server did not tell: nearly all servers are built so.
const PAGE: i64 = 8192;

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let (_, facts) = (view.plans()?, view.facts()?);
    let (relations, columns) = (facts.relations.get()?, facts.columns.get()?);
    let page = view.server().map_or(PAGE, |server| server.block_size_bytes);
    let layout = Facts::new(page, relations, columns);
    each(view, |seen, at, node| {
        let table = catalogue::table(facts, node).filter(|_| node.kind == "Seq Scan")?;
        let bloat = bloat::of_heap(&layout, table)?;
        if bloat.at_least <= cx.limit(&MIN_BLOAT) || bloat.confidence == Confidence::Low {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) * bloat.at_least)?;
        let pages = |bytes: f64| words::count((bytes / page as f64).ceil());
        let problem = format!(
            "reads {} pages where {} would hold its rows",
            pages(bloat.bytes),
            pages(bloat.rebuilt_bytes)
        );
        let advice = "See first what keeps the room from being used again (dead rows, an old transaction that holds \
                      them). Then rewrite the table online (pg_repack, pg_squeeze) or with VACUUM FULL in a window; it \
                      shuts everybody out meanwhile.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        let finding =
            evidence::with_bloat(finding, &bloat, cx.limit(&MIN_BLOAT)).with(Evidence::new(
                "pages of the table",
                (bloat.bytes / page as f64).ceil(),
                Unit::Count,
                "pg_class",
            ));
        let name = candidate::table_of(node)?;
        let fix = Fix::new(FixKind::Review, [format!("VACUUM (FULL, ANALYZE) {name};")])
            .locking("AccessExclusiveLock", format!("all reads and writes of {name}"));
        Some(finding.fixed_by(fix))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    use dbvitals_model::pg::{relation::Relation, schema::Column};

    /// Rows of 4 bytes take 32 with their header and fill a page by 226.
    fn judged(rows: i64, pages: i64) -> usize {
        let plan = "Seq Scan on app.t  (cost=0.00..9000.00 rows=10 width=4) (actual time=0.1..90.0 rows=1 loops=1)\n";
        let found = found_with(&CHECK, plan, |facts| {
            let table = Relation {
                oid: 7,
                schema: "app".to_owned(),
                name: "t".to_owned(),
                kind: "r".to_owned(),
                row_estimate: rows as f64,
                live_rows: rows,
                pages,
                heap_bytes: pages * PAGE,
                has_statistics: Some(true),
                ..Relation::default()
            };
            let column = Column {
                table_oid: 7,
                number: 1,
                type_name: "integer".to_owned(),
                length: 4,
                alignment: "i".to_owned(),
                storage: "p".to_owned(),
                null_ratio: Some(0.0),
                average_width: Some(4),
                ..Column::default()
            };
            *crate::testing::edit(&mut facts.relations) = vec![table];
            *crate::testing::edit(&mut facts.columns) = vec![column];
        });
        found.len()
    }

    #[test]
    fn the_limit_has_two_sides() {
        assert_eq!(judged(226 * 100, 100), 0, "full");
        assert_eq!(judged(226 * 100, 190), 0, "a little less than half");
        assert_eq!(judged(226 * 100, 250), 1);
    }
}
