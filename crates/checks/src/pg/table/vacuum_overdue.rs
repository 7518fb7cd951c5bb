//! Tables that passed their own vacuum trigger long ago.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    ordinary::{last_vacuum, on_primary, stored, subject},
    trigger::{Rules, is_being_vacuumed, was_just_passed},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables beyond their own trigger for longer than autovacuum should take to come.
pub static CHECK: Check = Check {
    id: "pg-vacuum-overdue",
    title: "Vacuum overdue",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "settings"],
    uses: &["vacuum_progress", "window"],
    thresholds: &[&GRACE],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table, vacuumed before, with more dead (or inserted) rows than start an autovacuum of that table, for
longer than `grace_seconds`. When the trigger was passed is reckoned from the time since its last vacuum,
as if rows had come evenly. A table being vacuumed now, or pushed over its trigger within the observed
window, is left alone.

## Why it matters
Autovacuum looks at every table once a minute. A table that waits for an hour shows that workers are busy,
throttled, cancelled by locks, or switched off.

## How to fix
Vacuum it. Then give autovacuum more room: raise `autovacuum_vacuum_cost_limit`, then
`autovacuum_max_workers`, and lower the trigger of large tables so that each vacuum stays short.

## When to ignore
Tables vacuumed by a nightly job on purpose.

## References
PostgreSQL documentation: Automatic Vacuuming, The Autovacuum Daemon.
",
    run: Run::Database(run),
};

static GRACE: Threshold = Threshold {
    key: "grace_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (0.0, 604_800.0),
    why: "sixty rounds of the launcher at its default of one a minute, and time for a long vacuum elsewhere",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, settings) = (db.relations()?, db.server().settings()?);
    let _ = (db.server().vacuum_progress(), db.server().window());
    on_primary(db)?;
    let rules = Rules::of(settings)?;
    let mut found = Vec::new();
    for table in stored(relations) {
        let trigger = rules.for_table(table);
        let Some(since) = db.server().seconds_since(last_vacuum(table)) else { continue };
        let Some(due) = trigger.vacuum_due(table) else { continue };
        let name = table.qualified();
        let grace = cx.limit_for(&GRACE, &name);
        let overdue = due.overdue_seconds(since);
        let handled = is_being_vacuumed(db, table) || was_just_passed(db, table, &due);
        if overdue <= grace || handled {
            continue;
        }
        let advice = if trigger.is_on {
            "Vacuum it; give autovacuum more cost limit and workers, or this table a lower trigger."
        } else {
            "Vacuum it and switch autovacuum on again."
        };
        found.push(
            cx.finding(
                Severity::Warning,
                subject(db, table),
                format!(
                    "{name} has {} {}, {} start a vacuum, and none came for about {}",
                    words::count(due.rows),
                    due.what,
                    words::count(due.limit),
                    words::seconds(overdue)
                ),
                advice,
            )
            .with(Evidence::new(due.what, due.rows, Unit::Count, due.source).against(due.limit))
            .with(
                Evidence::new(
                    "time beyond the trigger",
                    overdue,
                    Unit::Seconds,
                    "reckoned from the last vacuum",
                )
                .against(grace),
            )
            .with(Evidence::new(
                "time since the last vacuum",
                since,
                Unit::Seconds,
                "pg_stat_all_tables",
            ))
            .fixed_by(upkeep::vacuum(table)),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section,
        pg::{activity::VacuumProgress, relation::Relation, window::Window},
    };

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more};
    use crate::testing::{ago, edit, findings, skipped};

    /// Twice the trigger of 200,050: beyond it for half the time since the last vacuum.
    fn late(seconds: i64) -> Relation {
        Relation { dead_rows: 400_100, last_autovacuum: ago(seconds), ..orders() }
    }

    #[test]
    fn the_hour_has_two_sides() {
        assert!(findings(&CHECK, &with(vec![late(7200)])).is_empty());
        let found = findings(&CHECK, &with(vec![late(7202)]));
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].message.contains("400,100 dead rows, 200,050 start a vacuum"));
    }

    #[test]
    fn inserts_count_too() {
        let table =
            Relation { inserted_since_vacuum: 500_000, last_autovacuum: ago(86_400), ..orders() };
        assert!(findings(&CHECK, &with(vec![table]))[0].message.contains("inserted rows"));
    }

    #[test]
    fn a_table_at_its_trigger_or_never_vacuumed_is_not_overdue() {
        let at = Relation { dead_rows: 200_050, ..late(864_000) };
        let never = Relation { last_autovacuum: None, ..late(0) };
        assert!(findings(&CHECK, &with(vec![at, never])).is_empty());
    }

    #[test]
    fn a_running_vacuum_and_a_fresh_bulk_delete_are_left_alone() {
        let running = with_more(vec![late(86_400)], |pg| {
            *edit(&mut pg.vacuum_progress) = vec![VacuumProgress {
                relation_oid: 1,
                database: "app".into(),
                ..VacuumProgress::default()
            }];
        });
        assert!(findings(&CHECK, &running).is_empty());
        let bulk = with_more(vec![late(86_400)], |pg| {
            let changed = Relation { oid: 1, deletes: 200_050, ..Relation::default() };
            pg.window = Section::collected(Window {
                relations: vec![("app".into(), vec![changed])],
                ..Window::default()
            });
        });
        assert!(findings(&CHECK, &bulk).is_empty());
    }

    #[test]
    fn is_skipped_without_settings() {
        let blind = with_more(vec![], |pg| {
            pg.settings = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
