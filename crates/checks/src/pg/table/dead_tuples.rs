//! Dead rows that autovacuum should have removed.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    ordinary::{on_primary, stored, subject, with_since},
    trigger::{Rules, is_being_vacuumed},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables with many dead rows, beyond their own trigger.
pub static CHECK: Check = Check {
    id: "pg-dead-tuples",
    title: "Many dead rows",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["relations", "settings"],
    uses: &["vacuum_progress"],
    thresholds: &[&WARNING, &CRITICAL, &MIN_ROWS],
    fix: Some(dbvitals_model::FixKind::Safe),
    explain: "\
## What it detects
A table of which more than `warning_ratio` (or `critical_ratio`) of the rows are dead, which are more than
`min_dead_rows`, and more than what starts an autovacuum of that very table. A table that is being
vacuumed now is left alone.

## Why it matters
Every scan reads dead rows and throws them away, indexes keep pointing at them, and the table grows
instead of reusing their space.

## How to fix
Vacuum the table, then find out why autovacuum did not: switched off, too few workers, throttled by the
cost limit, a trigger too high for the table's size, or a transaction that holds the horizon
(`pg-xmin-horizon-held`).

## When to ignore
A table that is emptied and filled by a job which vacuums it afterwards.

## References
PostgreSQL documentation: Routine Vacuuming, Recovering Disk Space.
",
    run: Run::Database(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: Some(0.02),
    range: (0.0, 1.0),
    why: "one row in twenty read for nothing begins to show in scans",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.0, 1.0),
    why: "the default trigger lets a fifth die before it acts; beyond it nobody came",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_dead_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "fewer dead rows fill a few hundred pages, which costs nothing anybody would notice",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, settings) = (db.relations()?, db.server().settings()?);
    let _ = db.server().vacuum_progress();
    on_primary(db)?;
    let rules = Rules::of(settings)?;
    let mut found = Vec::new();
    for table in stored(relations) {
        let name = table.qualified();
        let dead = table.dead_rows as f64;
        let all = dead + table.live_rows.max(0) as f64;
        let trigger = rules.for_table(table);
        let many = dead > cx.limit_for(&MIN_ROWS, &name) && dead > trigger.vacuum;
        if !many || is_being_vacuumed(db, table) {
            continue;
        }
        let share = dead / all;
        let (severity, limit) = if share > cx.limit_for(&CRITICAL, &name) {
            (Severity::Critical, &CRITICAL)
        } else if share > cx.limit_for(&WARNING, &name) {
            (Severity::Warning, &WARNING)
        } else {
            continue;
        };
        let advice = if trigger.is_on {
            "Vacuum it now; then see why autovacuum did not come or could not remove them."
        } else {
            "Vacuum it now and switch autovacuum on for it again."
        };
        let finding = cx
            .finding(
                severity,
                subject(db, table),
                format!(
                    "{} of the rows of {name} are dead ({} of {})",
                    words::percent(share),
                    words::count(dead),
                    words::count(all)
                ),
                advice,
            )
            .with(
                Evidence::new("dead rows", dead, Unit::Count, "pg_stat_all_tables.n_dead_tup")
                    .against(cx.limit_for(&MIN_ROWS, &name).max(trigger.vacuum)),
            )
            .with(
                Evidence::new("share of dead rows", share, Unit::Ratio, "pg_stat_all_tables")
                    .against(cx.limit_for(limit, &name)),
            )
            .with(Evidence::new(
                "autovacuum trigger",
                trigger.vacuum,
                Unit::Count,
                "pg_settings and the table's options",
            ));
        let vacuumed = super::ordinary::last_vacuum(table);
        found.push(
            with_since(finding, db, "time since the last vacuum", vacuumed)
                .fixed_by(upkeep::vacuum(table))
                .promising("scans read fewer pages, and new rows reuse the space"),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section,
        pg::{activity::VacuumProgress, relation::Relation},
    };

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more, within};
    use crate::testing::{edit, findings, findings_with, skipped};
    use crate::{Profile, Settings};

    /// With a trigger of 10,000 dead rows.
    fn dying(dead: i64) -> Relation {
        let options = ["autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=10000"];
        Relation {
            dead_rows: dead,
            live_rows: 1_000_000 - dead,
            options: options.map(str::to_owned).to_vec(),
            ..orders()
        }
    }

    #[test]
    fn both_ratios_have_two_sides() {
        let severity =
            |dead| findings(&CHECK, &with(vec![dying(dead)])).first().map(|f| f.severity);
        assert_eq!(severity(50_000), None);
        assert_eq!(severity(50_001), Some(Severity::Warning));
        assert_eq!(severity(200_000), Some(Severity::Warning));
        assert_eq!(severity(200_001), Some(Severity::Critical));
    }

    #[test]
    fn the_strict_profile_warns_earlier() {
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        let snapshot = with(vec![dying(20_001)]);
        assert_eq!(findings_with(&CHECK, &snapshot, &strict).len(), 1);
        assert!(findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn few_rows_are_silent_however_large_their_share() {
        let few = Relation { dead_rows: 10_000, live_rows: 1, row_estimate: 1.0, ..orders() };
        let more = Relation { dead_rows: 10_001, ..few.clone() };
        assert!(findings(&CHECK, &with(vec![few])).is_empty());
        assert_eq!(findings(&CHECK, &with(vec![more])).len(), 1);
    }

    #[test]
    fn below_its_own_trigger_a_table_is_as_it_should_be() {
        let table = Relation { dead_rows: 200_050, ..orders() };
        assert!(findings(&CHECK, &with(vec![table.clone()])).is_empty());
        let table = Relation { dead_rows: 200_051, ..table };
        let found = findings(&CHECK, &with(vec![table]));
        assert_eq!(found[0].fix.as_ref().unwrap().statements, ["VACUUM (ANALYZE) app.orders;"]);
    }

    #[test]
    fn a_table_being_vacuumed_is_left_alone() {
        let snapshot = with_more(vec![dying(500_000)], |pg| {
            *edit(&mut pg.vacuum_progress) = vec![VacuumProgress {
                relation_oid: 1,
                database: "app".into(),
                ..VacuumProgress::default()
            }];
        });
        assert!(findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn is_skipped_on_a_standby_and_without_relations() {
        let standby = with_more(vec![dying(500_000)], |pg| pg.server.in_recovery = true);
        assert_eq!(skipped(&CHECK, &standby).0.reason, Reason::NotApplicable);
        let blind = within(vec![], |db| {
            db.relations = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Timeout);
    }
}
