//! Tables whose planner statistics describe another table than there is now.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    ordinary::{last_analyze, on_primary, rows, stored, subject},
    trigger::Rules,
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables changed by more than a share since their last analyze.
pub static CHECK: Check = Check {
    id: "pg-analyze-overdue",
    title: "Analyze overdue",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "settings"],
    uses: &[],
    thresholds: &[&SHARE, &MIN_ROWS, &GRACE],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table of which more than `modified_ratio` of the rows, and more than `min_modified_rows`, changed since its
last analyze, which was more than `grace_seconds` ago, although that is beyond the table's own trigger.

## Why it matters
The planner chooses join orders and indexes from these statistics. New key ranges and new frequent values are
unknown to it, and estimates go wrong by orders of magnitude.

## How to fix
`ANALYZE` the table. Let autovacuum come more often by a lower `autovacuum_analyze_scale_factor` on it.

## When to ignore
Tables read by primary key only.

## References
PostgreSQL documentation: Routine Vacuuming, Updating Planner Statistics.
",
    run: Run::Database(run),
};

static SHARE: Threshold = Threshold {
    key: "modified_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.0, 100.0),
    why: "twice the default trigger: an analyze should have come when a tenth had changed",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_modified_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "plans over a few thousand rows are cheap whichever way they go",
};

static GRACE: Threshold = Threshold {
    key: "grace_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (0.0, 604_800.0),
    why: "sixty rounds of the launcher at its default of one a minute",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, settings) = (db.relations()?, db.server().settings()?);
    on_primary(db)?;
    let rules = Rules::of(settings)?;
    let mut found = Vec::new();
    for table in stored(relations).filter(|table| table.kind == "r") {
        let Some(since) = db.server().seconds_since(last_analyze(table)) else { continue };
        let name = table.qualified();
        let modified = table.modified_since_analyze as f64;
        let share = modified / rows(table).max(1.0);
        let trigger = rules.for_table(table);
        let stale = modified > cx.limit_for(&MIN_ROWS, &name)
            && modified > trigger.analyze
            && share > cx.limit_for(&SHARE, &name)
            && since > cx.limit_for(&GRACE, &name);
        if !stale {
            continue;
        }
        found.push(
            cx.finding(
                Severity::Warning,
                subject(db, table),
                format!(
                    "{} rows of {name} changed since its last analyze {} ago ({} of them)",
                    words::count(modified),
                    words::seconds(since),
                    words::percent(share)
                ),
                "Analyze it; lower its autovacuum_analyze_scale_factor if this comes back.",
            )
            .with(
                Evidence::new(
                    "rows changed since analyze",
                    modified,
                    Unit::Count,
                    "pg_stat_all_tables.n_mod_since_analyze",
                )
                .against(cx.limit_for(&MIN_ROWS, &name).max(trigger.analyze)),
            )
            .with(
                Evidence::new("share of rows changed", share, Unit::Ratio, "pg_stat_all_tables")
                    .against(cx.limit_for(&SHARE, &name)),
            )
            .with(
                Evidence::new(
                    "time since the last analyze",
                    since,
                    Unit::Seconds,
                    "pg_stat_all_tables",
                )
                .against(cx.limit_for(&GRACE, &name)),
            )
            .fixed_by(upkeep::analyze(table))
            .promising("the planner sees the data as it is"),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more};
    use crate::testing::{ago, findings, skipped};

    fn stale(modified: i64) -> Relation {
        Relation { modified_since_analyze: modified, ..orders() }
    }

    #[test]
    fn the_share_has_two_sides() {
        assert!(findings(&CHECK, &with(vec![stale(200_000)])).is_empty());
        let found = findings(&CHECK, &with(vec![stale(200_001)]));
        assert_eq!(found[0].fix.as_ref().unwrap().statements, ["ANALYZE app.orders;"]);
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn small_young_and_leniently_configured_tables_are_silent() {
        let small = |modified| Relation { row_estimate: 100.0, live_rows: 100, ..stale(modified) };
        assert!(findings(&CHECK, &with(vec![small(10_000)])).is_empty());
        assert_eq!(findings(&CHECK, &with(vec![small(10_001)])).len(), 1);
        let young = Relation { last_autoanalyze: ago(3600), ..stale(900_000) };
        assert!(findings(&CHECK, &with(vec![young])).is_empty());
        let options = vec!["autovacuum_analyze_scale_factor=0.5".to_owned()];
        let lenient = Relation { options, ..stale(500_000) };
        assert!(findings(&CHECK, &with(vec![lenient])).is_empty());
    }

    #[test]
    fn a_table_never_analyzed_is_another_checks_business() {
        let never = Relation { last_autoanalyze: None, ..stale(900_000) };
        assert!(findings(&CHECK, &with(vec![never])).is_empty());
    }

    #[test]
    fn is_skipped_without_settings() {
        let blind = with_more(vec![], |pg| {
            pg.settings = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
