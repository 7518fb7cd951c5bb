//! Large tables whose vacuum waits for a fifth of their rows to die.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    ordinary::{on_primary, stored, subject},
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

/// Tables with many rows and a scale factor made for small ones.
pub static CHECK: Check = Check {
    id: "pg-autovacuum-threshold-too-high",
    title: "Autovacuum trigger too high",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "settings"],
    uses: &[],
    thresholds: &[&MIN_ROWS, &SCALE, &MIN_WRITES],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table of more than `min_rows` rows with at least `min_dead_making_writes` updates and deletes, whose vacuum
starts only after `scale_factor` or more of its rows died (its own option, or the server's). From 18 on
`autovacuum_vacuum_max_threshold` may hold the trigger down; then nothing is said.

## Why it matters
A fifth of a hundred million rows is twenty million dead rows before anybody comes; that vacuum then takes
hours, and the table stays a fifth larger for good.

## How to fix
Give the table a small scale factor, so that vacuums are frequent and short.

## When to ignore
Tables whose rows are deleted by partition or by truncation only.

## References
PostgreSQL documentation: CREATE TABLE, Storage Parameters.
",
    run: Run::Database(run),
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 10_000_000.0,
    strict: None,
    range: (0.0, 1e13),
    why: "two million dead rows at once is where a vacuum stops being short",
};

static SCALE: Threshold = Threshold {
    key: "scale_factor",
    unit: Unit::Ratio,
    default: 0.2,
    strict: Some(0.1),
    range: (0.0, 100.0),
    why: "the server's default, chosen for small tables",
};

static MIN_WRITES: Threshold = Threshold {
    key: "min_dead_making_writes",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "a table that is only added to never reaches the trigger, however high",
};

/// What a large table is advised to have.
const ADVISED: [(&str, &str); 2] =
    [("autovacuum_vacuum_scale_factor", "0.01"), ("autovacuum_vacuum_threshold", "10000")];

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, settings) = (db.relations()?, db.server().settings()?);
    on_primary(db)?;
    let rules = Rules::of(settings)?;
    let mut found = Vec::new();
    for table in stored(relations) {
        let name = table.qualified();
        let rows = table.row_estimate;
        let writes = (table.updates + table.deletes) as f64;
        let trigger = rules.for_table(table);
        let high = rows > cx.limit_for(&MIN_ROWS, &name)
            && trigger.vacuum_scale >= cx.limit_for(&SCALE, &name)
            && writes >= cx.limit_for(&MIN_WRITES, &name)
            && !trigger.is_capped;
        if !high {
            continue;
        }
        found.push(
            cx.finding(
                Severity::Warning,
                subject(db, table),
                format!(
                    "{} of {} rows of {name} must die before autovacuum comes",
                    words::count(trigger.vacuum),
                    words::count(rows)
                ),
                "Give it a scale factor of about 0.01, so that vacuums come often and stay short.",
            )
            .with(
                Evidence::new("rows", rows, Unit::Count, "pg_class.reltuples")
                    .against(cx.limit_for(&MIN_ROWS, &name)),
            )
            .with(
                Evidence::new(
                    "scale factor",
                    trigger.vacuum_scale,
                    Unit::Ratio,
                    "pg_settings and the table's options",
                )
                .against(cx.limit_for(&SCALE, &name)),
            )
            .with(
                Evidence::new("updates and deletes", writes, Unit::Count, "pg_stat_all_tables")
                    .against(cx.limit_for(&MIN_WRITES, &name)),
            )
            .fixed_by(upkeep::set_options(table, &ADVISED))
            .promising(format!(
                "vacuum comes after {} dead rows instead of {}",
                words::count(10_000.0 + 0.01 * rows),
                words::count(trigger.vacuum)
            )),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more};
    use crate::testing::{findings, set, skipped};

    fn large(rows: f64) -> Relation {
        Relation { row_estimate: rows, updates: 10_000, ..orders() }
    }

    #[test]
    fn rows_and_scale_have_two_sides() {
        assert!(findings(&CHECK, &with(vec![large(1e7)])).is_empty());
        let found = findings(&CHECK, &with(vec![large(1e7 + 1.0)]));
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER TABLE app.orders SET (autovacuum_vacuum_scale_factor = 0.01, \
              autovacuum_vacuum_threshold = 10000);"]
        );
        let options = vec!["autovacuum_vacuum_scale_factor=0.19".to_owned()];
        let tuned = Relation { options, ..large(2e7) };
        assert!(findings(&CHECK, &with(vec![tuned])).is_empty());
    }

    #[test]
    fn tables_only_added_to_and_capped_triggers_are_silent() {
        let quiet = Relation { updates: 9_999, ..large(2e7) };
        assert!(findings(&CHECK, &with(vec![quiet])).is_empty());
        let capped = with_more(vec![large(2e9)], |pg| {
            set(pg, "autovacuum_vacuum_max_threshold", "100000000", None);
        });
        assert!(findings(&CHECK, &capped).is_empty());
    }

    #[test]
    fn is_skipped_without_settings() {
        let blind = with_more(vec![], |pg| {
            pg.settings = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
