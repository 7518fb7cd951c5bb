//! Tables with much change that no vacuum ever visited.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    ordinary::{last_vacuum, on_primary, stored, subject, with_age},
    trigger::{Rules, exists_for_seconds, is_being_vacuumed, was_just_passed},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables never vacuumed since statistics began, although their own trigger was passed.
pub static CHECK: Check = Check {
    id: "pg-never-vacuumed",
    title: "Never vacuumed",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "settings", "databases"],
    uses: &["vacuum_progress", "window"],
    thresholds: &[&MIN_ROWS, &GRACE],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table with more than `min_modified_rows` inserted, updated or deleted rows and more dead or inserted rows
than start an autovacuum of that table, which no vacuum visited since statistics began. Where autovacuum is
on, the table must have existed for `grace_seconds` (told from the transactions begun since), so that a
table loaded a minute ago is left alone.

## Why it matters
Dead rows stay, no page is known to be all-visible (index-only scans must visit the table), and one day the
whole table is frozen at once by an anti-wraparound vacuum.

## How to fix
Vacuum it, and find out why autovacuum does not: switched off, saturated, or its statistics reset by crashes.

## When to ignore
Tables that are truncated and loaded anew by a job.

## References
PostgreSQL documentation: Routine Vacuuming.
",
    run: Run::Database(run),
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_modified_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "a table with less change gains nothing from a vacuum yet",
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
    let _ = (db.server().vacuum_progress(), db.server().window());
    db.stats()?;
    on_primary(db)?;
    let rules = Rules::of(settings)?;
    let mut found = Vec::new();
    for table in stored(relations) {
        let name = table.qualified();
        let changed = (table.inserts + table.updates + table.deletes) as f64;
        let trigger = rules.for_table(table);
        let much = changed > cx.limit_for(&MIN_ROWS, &name) && last_vacuum(table).is_none();
        let Some(due) = trigger.vacuum_due(table).filter(|_| much) else { continue };
        let is_old = exists_for_seconds(db, table)
            .is_some_and(|seconds| seconds > cx.limit_for(&GRACE, &name));
        let handled = is_being_vacuumed(db, table) || was_just_passed(db, table, &due);
        if handled || (trigger.is_on && !is_old) {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Warning,
                subject(db, table),
                format!(
                    "{name} was never vacuumed, with {} rows changed and {} {}",
                    words::count(changed),
                    words::count(due.rows),
                    due.what
                ),
                if trigger.is_on {
                    "Vacuum it and find out why autovacuum does not come."
                } else {
                    "Vacuum it and switch autovacuum on for it."
                },
            )
            .with(
                Evidence::new("rows changed", changed, Unit::Count, "pg_stat_all_tables")
                    .against(cx.limit_for(&MIN_ROWS, &name)),
            )
            .with(Evidence::new(due.what, due.rows, Unit::Count, due.source).against(due.limit));
        found.push(with_age(finding, db).fixed_by(upkeep::vacuum(table)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more};
    use crate::testing::{findings, skipped};

    /// One transaction a second in all, so that `age` transactions are at least as many seconds.
    fn untouched(age: i64) -> Relation {
        Relation {
            row_estimate: -1.0,
            inserts: 10_001,
            inserted_since_vacuum: 10_001,
            frozen_xid_age: Some(age),
            last_autovacuum: None,
            ..orders()
        }
    }

    #[test]
    fn the_grace_has_two_sides() {
        assert!(findings(&CHECK, &with(vec![untouched(3600)])).is_empty(), "just loaded");
        let found = findings(&CHECK, &with(vec![untouched(3601)]));
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].fix.as_ref().unwrap().lock, "ShareUpdateExclusiveLock");
    }

    #[test]
    fn where_autovacuum_is_off_nobody_needs_to_wait() {
        let options = vec!["autovacuum_enabled=false".to_owned()];
        let table = Relation { options, ..untouched(1) };
        assert_eq!(findings(&CHECK, &with(vec![table])).len(), 1);
    }

    #[test]
    fn the_number_of_changes_has_two_sides() {
        let table = Relation { inserts: 10_000, ..untouched(9999) };
        assert!(findings(&CHECK, &with(vec![table])).is_empty());
    }

    #[test]
    fn a_table_that_needs_no_vacuum_yet_is_silent() {
        let table = Relation { row_estimate: 1e6, ..untouched(9999) };
        assert!(findings(&CHECK, &with(vec![table])).is_empty());
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind = with_more(vec![], |pg| {
            pg.by_database[0].relations = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
