//! Tables with much change that were never analyzed.

use dbvitals_model::{Evidence, FixKind, Severity, Unit, pg::relation::Relation};

use super::{
    ordinary::{last_analyze, on_primary, stored, subject, with_age},
    trigger::{Rules, changed_in_window, exists_for_seconds},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables never analyzed since statistics began, although their own trigger was passed.
pub static CHECK: Check = Check {
    id: "pg-never-analyzed",
    title: "Never analyzed",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "settings", "databases"],
    uses: &["window"],
    thresholds: &[&MIN_ROWS, &GRACE],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table with more than `min_modified_rows` changed rows, beyond what starts an automatic analyze of it, that
was never analyzed since statistics began. Where autovacuum is on, the table must have existed for
`grace_seconds` (told from the transactions begun since), so that a table loaded a minute ago is left alone.

## Why it matters
Without statistics the planner takes fixed guesses for every condition and every join.

## How to fix
`ANALYZE` it, and find out why autovacuum does not.

## When to ignore
Staging tables that are filled, copied and truncated.

## References
PostgreSQL documentation: Statistics Used by the Planner.
",
    run: Run::Database(run),
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
    why: "a freshly loaded table has its turn within minutes; after an hour nobody comes",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, settings) = (db.relations()?, db.server().settings()?);
    let _ = db.server().window();
    db.stats()?;
    on_primary(db)?;
    let rules = Rules::of(settings)?;
    let mut found = Vec::new();
    for table in stored(relations).filter(|table| table.kind == "r") {
        let name = table.qualified();
        let modified = table.modified_since_analyze as f64;
        let trigger = rules.for_table(table);
        let much = modified > cx.limit_for(&MIN_ROWS, &name) && modified > trigger.analyze;
        if !much || last_analyze(table).is_some() || was_just_loaded(db, table, trigger.analyze) {
            continue;
        }
        let is_old = exists_for_seconds(db, table)
            .is_some_and(|seconds| seconds > cx.limit_for(&GRACE, &name));
        if trigger.is_on && !is_old {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Warning,
                subject(db, table),
                format!("{name} was never analyzed, with {} rows changed", words::count(modified)),
                if trigger.is_on {
                    "Analyze it and find out why autovacuum does not."
                } else {
                    "Analyze it and switch autovacuum on for it."
                },
            )
            .with(
                Evidence::new(
                    "rows changed",
                    modified,
                    Unit::Count,
                    "pg_stat_all_tables.n_mod_since_analyze",
                )
                .against(cx.limit_for(&MIN_ROWS, &name).max(trigger.analyze)),
            );
        found.push(
            with_age(finding, db)
                .fixed_by(upkeep::analyze(table))
                .promising("the planner works from the data instead of fixed guesses"),
        );
    }
    Ok(found)
}

fn was_just_loaded(db: &DatabaseView<'_>, table: &Relation, trigger: f64) -> bool {
    changed_in_window(db, table).is_some_and(|changed| {
        let came = (changed.inserts + changed.updates + changed.deletes) as f64;
        came >= table.modified_since_analyze as f64 - trigger
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section};

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more};
    use crate::testing::{findings, skipped};

    fn unknown(modified: i64, age: i64) -> Relation {
        Relation {
            row_estimate: -1.0,
            modified_since_analyze: modified,
            frozen_xid_age: Some(age),
            last_autoanalyze: None,
            ..orders()
        }
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let count = |modified, age| findings(&CHECK, &with(vec![unknown(modified, age)])).len();
        assert_eq!(count(10_001, 3601), 1);
        assert_eq!(count(10_000, 3601), 0);
        assert_eq!(count(10_001, 3600), 0);
    }

    #[test]
    fn where_autovacuum_is_off_nobody_needs_to_wait() {
        let options = vec!["autovacuum_enabled=off".to_owned()];
        let table = Relation { options, ..unknown(10_001, 1) };
        let found = findings(&CHECK, &with(vec![table]));
        assert_eq!(found[0].fix.as_ref().unwrap().statements, ["ANALYZE app.orders;"]);
    }

    #[test]
    fn an_analyzed_table_is_silent() {
        assert!(findings(&CHECK, &with(vec![orders()])).is_empty());
    }

    #[test]
    fn is_skipped_without_databases() {
        let blind = with_more(vec![], |pg| {
            pg.databases = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
