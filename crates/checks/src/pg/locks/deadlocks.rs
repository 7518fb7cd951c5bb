//! Transactions that waited for each other until one was rolled back.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, pg::database::Database};

use super::database_counters;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::counted::Counted,
    skip::Judged,
    view::PgView,
    words,
};

/// `pg_stat_database.deadlocks` per hour.
pub static CHECK: Check = Check {
    id: "pg-deadlocks",
    title: "Deadlocks",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &["window"],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
Deadlocks in a database: at least `warning_per_hour`, or more than `critical_per_hour` (five in five
minutes). Rarer ones since the statistics were reset are information.

## Why it matters
The server ends a deadlock by rolling one of the transactions back, after everyone in it has waited for
`deadlock_timeout`. What the application does not try again is lost.

## How to fix
The server's log shows both statements. Take locks in the same order everywhere (sort ids before
updating), touch a parent row before its children, hold locks briefly, and try a failed transaction
again.

## When to ignore
Queues where a rare deadlock is tried again at once.

## References
PostgreSQL documentation: Explicit Locking, Deadlocks; `pg_stat_database`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_per_hour",
    unit: Unit::PerHour,
    default: 0.04,
    strict: None,
    range: (0.0, 1e6),
    why: "one in a day; any deadlock at all when the window is an hour. Rarer ones in months of \
          statistics are no habit",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_per_hour",
    unit: Unit::PerHour,
    default: 60.0,
    strict: None,
    range: (0.0, 1e6),
    why: "five in five minutes: transactions are in each other's way all the time",
};

/// A rate needs this much time: one deadlock right after a reset is not a thousand an hour.
const SHORTEST_SECONDS: f64 = 300.0;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (databases, window) = (pg.databases()?, pg.window().ok());
    // Deadlocks are rare: a short window without any says nothing.
    let found = database_counters::each(pg, databases, window, |seen| {
        !seen.in_window || seen.seconds >= 3600.0 || seen.counters.deadlocks > 0
    });
    Ok(found.filter_map(|seen| finding(cx, &seen)).collect())
}

fn finding(cx: &Context<'_>, seen: &Counted<'_, Database>) -> Option<Finding> {
    let name = &seen.counters.name;
    let deadlocks = seen.counters.deadlocks as f64;
    if deadlocks <= 0.0 {
        return None;
    }
    let per_hour =
        (seen.seconds > 0.0).then(|| deadlocks * 3600.0 / seen.seconds.max(SHORTEST_SECONDS));
    let severity = match per_hour {
        Some(rate) if rate > cx.limit_for(&CRITICAL, name) => Severity::Critical,
        Some(rate) if rate >= cx.limit_for(&WARNING, name) => Severity::Warning,
        _ => Severity::Info,
    };
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let plural = if seen.counters.deadlocks == 1 { "deadlock" } else { "deadlocks" };
    let source = seen.source("pg_stat_database.deadlocks");
    let found = cx
        .finding(
            severity,
            Subject::new("database", name),
            format!("database {name} had {} {plural} {}", words::count(deadlocks), seen.when()),
            "Read both statements in the server's log; take locks in the same order everywhere, and try \
             a failed transaction again.",
        )
        .with(Evidence::new("deadlocks", deadlocks, Unit::Count, source.as_str()))
        .with(seen.time());
    Some(match per_hour {
        Some(rate) => found.with(
            Evidence::new("rate", rate, Unit::PerHour, source).against(cx.limit_for(limit, name)),
        ),
        None => found,
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::window::Window};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn with(deadlocks: i64, age_seconds: i64) -> Snapshot {
        testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            database.deadlocks = deadlocks;
            database.stats_reset = ago(age_seconds);
        })
    }

    fn severity(deadlocks: i64, age_seconds: i64) -> Option<Severity> {
        let found = testing::findings(&CHECK, &with(deadlocks, age_seconds));
        found.first().map(|found| found.severity)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(0, 3600), None);
        assert_eq!(severity(1, 90_000), Some(Severity::Warning), "0.04 an hour");
        assert_eq!(severity(1, 90_001), Some(Severity::Info));
        assert_eq!(severity(5, 300), Some(Severity::Warning), "five in five minutes exactly");
        assert_eq!(severity(6, 300), Some(Severity::Critical));
        assert_eq!(severity(1, 1), Some(Severity::Warning), "one after a reset is not a flood");
    }

    #[test]
    fn a_window_counts_when_it_saw_any_or_lasted_an_hour() {
        let mut snapshot = with(1000, 3600);
        let mut message = |seconds, deadlocks| {
            if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
                let recent = Database { name: "app".into(), deadlocks, ..Database::default() };
                let databases = vec![recent];
                pg.window = Section::collected(Window { seconds, databases, ..Window::default() });
            }
            testing::findings(&CHECK, &snapshot).pop().map(|found| found.message)
        };
        assert_eq!(message(60.0, 1).unwrap(), "database app had 1 deadlock in 60 s");
        assert!(message(60.0, 0).unwrap().contains("1,000 deadlocks in the 60 min since"));
        assert_eq!(message(3600.0, 0), None);
    }

    #[test]
    fn is_skipped_without_databases() {
        let none = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
