//! Tables without planner statistics for any column.

use dbvitals_model::{Evidence, FixKind, Severity, Unit, pg::relation::Relation};

use super::{
    descendants::rows_below,
    ordinary::{is_users, last_analyze, not_twice, rows, subject},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables with rows and without any row in `pg_stats`.
pub static CHECK: Check = Check {
    id: "pg-no-statistics",
    title: "No planner statistics",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &[],
    thresholds: &[&MIN_ROWS],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table of at least `min_rows` rows without planner statistics for any column: after an upgrade or a restore, or a
partitioned parent, which autovacuum never analyzes. Tables changed much and never analyzed are
`pg-never-analyzed`. Tables whose statistics the role may not see are left alone.

## Why it matters
The planner takes fixed guesses for every condition. For a partitioned table, joins and groupings over the whole
are guessed although each partition is known.

## How to fix
`ANALYZE` it. For partitioned parents, put it on a schedule; after an upgrade run
`vacuumdb --all --analyze-in-stages`.

## When to ignore
Tables nobody queries.

## References
PostgreSQL documentation: Updating Planner Statistics.
",
    run: Run::Database(run),
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: Some(1000.0),
    range: (0.0, 1e12),
    why: "plans over a few thousand rows are cheap whichever way they go",
};

/// Changes from which on a table never analyzed is another check's.
const NEVER_ANALYZED: i64 = 10_000;

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    not_twice(db)?;
    let mut found = Vec::new();
    for table in relations.iter().filter(|table| is_users(table) && !table.is_locked) {
        let name = table.qualified();
        let is_parent = table.kind == "p";
        let count = if is_parent { rows_below(relations, table.oid) } else { rows(table) };
        let blind = table.has_statistics == Some(false) && !is_never_analyzed(table);
        if !blind || count < cx.limit_for(&MIN_ROWS, &name) {
            continue;
        }
        let (what, advice) = if is_parent {
            (
                "partitioned table",
                "Analyze it, and put that on a schedule: autovacuum analyzes its partitions only.",
            )
        } else {
            ("table", "Analyze it.")
        };
        found.push(
            cx.finding(
                Severity::Warning,
                subject(db, table),
                format!("{what} {name} ({} rows) has no planner statistics", words::count(count)),
                advice,
            )
            .with(
                Evidence::new("rows", count, Unit::Count, "pg_class.reltuples")
                    .against(cx.limit_for(&MIN_ROWS, &name)),
            )
            .with(Evidence::new("columns with statistics", 0.0, Unit::Count, "pg_stats"))
            .fixed_by(upkeep::analyze(table))
            .promising("the planner works from the data instead of fixed guesses"),
        );
    }
    Ok(found)
}

fn is_never_analyzed(table: &Relation) -> bool {
    table.kind != "p"
        && last_analyze(table).is_none()
        && table.modified_since_analyze > NEVER_ANALYZED
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section};

    use super::*;
    use crate::pg::table::sample::{orders, with, within};
    use crate::testing::{findings, skipped};

    fn restored(count: i64) -> Relation {
        Relation {
            has_statistics: Some(false),
            row_estimate: count as f64,
            live_rows: 0,
            last_autoanalyze: None,
            ..orders()
        }
    }

    #[test]
    fn the_number_of_rows_has_two_sides() {
        assert!(findings(&CHECK, &with(vec![restored(9_999)])).is_empty());
        let found = findings(&CHECK, &with(vec![restored(10_000)]));
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].fix.as_ref().unwrap().statements, ["ANALYZE app.orders;"]);
    }

    #[test]
    fn hidden_statistics_are_not_missing_ones() {
        let hidden = Relation { has_statistics: None, ..restored(99_999) };
        let never = Relation { modified_since_analyze: 10_001, ..restored(99_999) };
        assert!(findings(&CHECK, &with(vec![hidden, never, orders()])).is_empty());
    }

    #[test]
    fn a_partitioned_parent_counts_the_rows_below() {
        let parent = Relation { kind: "p".into(), ..restored(0) };
        let part = Relation { oid: 2, parent_oid: Some(1), is_partition: true, ..orders() };
        let found = findings(&CHECK, &with(vec![parent, part]));
        assert!(found[0].message.starts_with("partitioned table app.orders (1,000,000 rows)"));
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind =
            within(vec![], |db| db.relations = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
