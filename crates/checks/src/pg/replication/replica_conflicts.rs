//! Queries on a standby that replay cancels.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Subject, Unit,
    pg::{database::Database, instance::Settings},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{
        counted::{Counted, counted},
        setting_change,
    },
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Recovery conflicts by database and kind.
pub static CHECK: Check = Check {
    id: "pg-replica-conflicts",
    title: "Queries cancelled by replay",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &["settings", "window"],
    thresholds: &[&MIN_CONFLICTS, &RATE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
On a standby, at least `min_conflicts` queries of a database were cancelled because replay needed what
they used, and at least `max_per_hour` an hour on average.

## Why it matters
The application sees `canceling statement due to conflict with recovery` at random.

## How to fix
By kind. Snapshots (rows vacuumed on the primary): `hot_standby_feedback = on`, which lets the primary keep
them, at the price of bloat there. Locks: run DDL when no reports run. All: let replay wait longer
(`max_standby_streaming_delay`), at the price of lag.

## When to ignore
Standbys that serve no queries anyone waits for.

## References
PostgreSQL documentation: Hot Standby, Handling Query Conflicts; `pg_stat_database_conflicts`.
",
    run: Run::Postgres(run),
};

static MIN_CONFLICTS: Threshold = Threshold {
    key: "min_conflicts",
    unit: Unit::Count,
    default: 5.0,
    strict: Some(1.0),
    range: (1.0, 1e9),
    why: "one or two may have met the same migration",
};

static RATE: Threshold = Threshold {
    key: "max_per_hour",
    unit: Unit::PerHour,
    default: 0.2,
    strict: None,
    range: (0.0, 1e6),
    why: "about five a day, which users begin to report",
};

fn kinds(database: &Database) -> [(&'static str, i64); 5] {
    [
        ("snapshot", database.conflict_snapshot),
        ("lock", database.conflict_lock),
        ("buffer pin", database.conflict_bufferpin),
        ("deadlock", database.conflict_deadlock),
        ("tablespace", database.conflict_tablespace),
    ]
}

fn total(database: &Database) -> f64 {
    kinds(database).iter().map(|(_, count)| (*count).max(0)).sum::<i64>() as f64
}

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let databases = pg.databases()?;
    let (settings, window) = (pg.settings().ok(), pg.window().ok());
    if !pg.server().in_recovery {
        return Err(Skip::not_applicable("nothing is replayed on a primary"));
    }
    let judged = databases.iter().filter_map(|database| {
        let name = &database.name;
        let recent = window.and_then(|window| {
            let mut known = window.databases.iter();
            Some((window, known.find(|candidate| candidate.name == *name)?))
        });
        let age = pg.seconds_since(database.stats_reset.or(pg.server().started_at));
        let seen = counted(recent, database, age, |seen| {
            let conflicts = total(seen.counters);
            let hourly = seen.per_second(conflicts).unwrap_or(0.0) * 3600.0;
            conflicts >= cx.limit_for(&MIN_CONFLICTS, name) && hourly >= cx.limit_for(&RATE, name)
        })?;
        Some(finding(cx, settings, &seen))
    });
    Ok(judged.collect())
}

fn finding(cx: &Context<'_>, settings: Option<&Settings>, seen: &Counted<'_, Database>) -> Finding {
    let database = seen.counters;
    let conflicts = total(database);
    let hourly = seen.per_second(conflicts).unwrap_or(0.0) * 3600.0;
    let (most, _) = kinds(database).into_iter().max_by_key(|(_, count)| *count).unwrap_or_default();
    let source = seen.source("pg_stat_database_conflicts");
    let advice = match most {
        "snapshot" => {
            "Turn hot_standby_feedback on, if the primary can bear the bloat; or let replay wait \
             longer (max_standby_streaming_delay)."
        }
        "lock" => "Run DDL on the primary when the standby serves no long queries.",
        _ => "Let replay wait longer for queries (max_standby_streaming_delay).",
    };
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("database", &database.name),
            format!(
                "replay cancelled {} queries in {} {}, mostly over a {most}",
                words::count(conflicts),
                database.name,
                seen.when()
            ),
            advice,
        )
        .with(
            Evidence::new("conflicts", conflicts, Unit::Count, source.clone())
                .against(cx.limit_for(&MIN_CONFLICTS, &database.name)),
        )
        .with(
            Evidence::new("rate", hourly, Unit::PerHour, source.clone())
                .against(cx.limit_for(&RATE, &database.name)),
        )
        .with(seen.time());
    let found = kinds(database)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .fold(found, |found, (kind, count)| {
            found.with(Evidence::new(kind, count, Unit::Count, source.clone()))
        });
    let silent = |settings: &&Settings| settings.is_on("hot_standby_feedback") == Some(false);
    match settings.filter(silent).filter(|_| most == "snapshot") {
        Some(settings) => {
            let change = [("hot_standby_feedback", "on".to_owned())];
            found.fixed_by(setting_change::change(settings, FixKind::Review, &change))
        }
        None => found,
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn with(snapshot: i64, lock: i64, hours: i64) -> Snapshot {
        testing::pg(|pg| {
            pg.server.in_recovery = true;
            set(pg, "hot_standby_feedback", "off", None);
            let database = &mut edit(&mut pg.databases)[0];
            (database.conflict_snapshot, database.conflict_lock) = (snapshot, lock);
            database.stats_reset = ago(hours * 3600);
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(5, 0, 25)).len(), 1);
        assert!(testing::findings(&CHECK, &with(5, 0, 26)).is_empty(), "rate");
        assert!(testing::findings(&CHECK, &with(4, 0, 1)).is_empty(), "few");
        assert!(testing::findings(&CHECK, &with(-4, -4, 1)).is_empty());
    }

    #[test]
    fn feedback_is_offered_for_snapshots_only() {
        let fix = testing::findings(&CHECK, &with(5, 1, 1))[0].fix.clone().unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET hot_standby_feedback = 'on';");
        let found = testing::findings(&CHECK, &with(1, 5, 1));
        assert_eq!(found[0].fix, None);
        assert!(found[0].message.ends_with("mostly over a lock"));
    }

    #[test]
    fn is_skipped_on_primaries_and_without_the_section() {
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let lost = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
