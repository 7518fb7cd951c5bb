//! Tables whose planner estimate of rows is far from what the statistics count.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    ordinary::{last_analyze, last_vacuum, on_primary, stored, subject, with_since},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// `reltuples` against the live rows of the statistics.
pub static CHECK: Check = Check {
    id: "pg-stale-reltuples",
    title: "Stale row estimate",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &[],
    thresholds: &[&INFO, &WARNING, &MIN_ROWS],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table whose `reltuples` differs from the live rows of the cumulative statistics by more than `info_factor`
(or, as a warning, `warning_factor`) in either direction, where one of them is at least `min_rows`. Tables
without any vacuum or analyze on record are left alone: their counters prove nothing.

## Why it matters
Autovacuum reckons its triggers from `reltuples`, and the planner its row counts (scaled by the table's size):
both are off by that factor.

## How to fix
`ANALYZE` the table.

## When to ignore
Tables filled and emptied within the hour.

## References
PostgreSQL documentation: `pg_class.reltuples`; Row Estimation Examples.
",
    run: Run::Database(run),
};

static INFO: Threshold = Threshold {
    key: "info_factor",
    unit: Unit::Factor,
    default: 2.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a factor of two rarely changes a plan and always the triggers of autovacuum",
};

static WARNING: Threshold = Threshold {
    key: "warning_factor",
    unit: Unit::Factor,
    default: 10.0,
    strict: Some(5.0),
    range: (1.0, 1e6),
    why: "at ten times the choice between scans and joins is by chance",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "for small tables every plan is cheap",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    on_primary(db)?;
    let mut found = Vec::new();
    for table in stored(relations).filter(|t| t.row_estimate >= 0.0 && !t.is_locked) {
        let name = table.qualified();
        let (planned, counted) = (table.row_estimate, table.live_rows.max(0) as f64);
        let (more, less) = (planned.max(counted), planned.min(counted));
        let factor = more / less.max(1.0);
        let known = last_vacuum(table).or(last_analyze(table)).is_some();
        if !known || more < cx.limit_for(&MIN_ROWS, &name) || factor <= cx.limit_for(&INFO, &name) {
            continue;
        }
        let severe = factor > cx.limit_for(&WARNING, &name);
        let (severity, limit) =
            if severe { (Severity::Warning, &WARNING) } else { (Severity::Info, &INFO) };
        let finding = cx
            .finding(
                severity,
                subject(db, table),
                format!(
                    "the planner believes in {} rows of {name}, the statistics count {}",
                    words::count(planned),
                    words::count(counted)
                ),
                "Analyze it.",
            )
            .with(
                Evidence::new("factor", factor, Unit::Factor, "the larger over the smaller")
                    .against(cx.limit_for(limit, &name)),
            )
            .with(Evidence::new("planned rows", planned, Unit::Count, "pg_class.reltuples"))
            .with(Evidence::new(
                "live rows",
                counted,
                Unit::Count,
                "pg_stat_all_tables.n_live_tup",
            ));
        found.push(
            with_since(finding, db, "time since the last analyze", last_analyze(table))
                .fixed_by(upkeep::analyze(table)),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with, within};
    use crate::testing::{findings, skipped};

    fn differing(planned: f64, counted: i64) -> Relation {
        Relation { row_estimate: planned, live_rows: counted, ..orders() }
    }

    #[test]
    fn both_factors_have_two_sides_in_both_directions() {
        let severity = |planned, counted| {
            let found = findings(&CHECK, &with(vec![differing(planned, counted)]));
            found.first().map(|found| found.severity)
        };
        assert_eq!(severity(100_000.0, 200_000), None);
        assert_eq!(severity(100_000.0, 200_001), Some(Severity::Info));
        assert_eq!(severity(100_000.0, 1_000_000), Some(Severity::Info));
        assert_eq!(severity(100_000.0, 1_000_001), Some(Severity::Warning));
        assert_eq!(severity(1_000_001.0, 100_000), Some(Severity::Warning));
        assert_eq!(severity(10_000.0, 0), Some(Severity::Warning));
        assert_eq!(severity(9_999.0, 0), None);
    }

    #[test]
    fn counters_that_prove_nothing_are_not_believed() {
        let reset = Relation { last_autovacuum: None, last_autoanalyze: None, ..differing(1e6, 0) };
        let never = differing(-1.0, 1_000_000);
        let locked = Relation { is_locked: true, ..differing(1e6, 0) };
        assert!(findings(&CHECK, &with(vec![reset, never, locked])).is_empty());
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind =
            within(vec![], |db| db.relations = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
