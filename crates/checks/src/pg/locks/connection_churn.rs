//! Clients that connect, ask once and leave.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, pg::database::Database};

use super::database_counters;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::counted::Counted,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// New sessions per second and their mean duration, from `pg_stat_database`.
pub static CHECK: Check = Check {
    id: "pg-connection-churn",
    title: "Short-lived connections",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (14, u32::MAX),
    needs: &["databases"],
    uses: &["window"],
    thresholds: &[&RATE, &DURATION, &SESSIONS],
    fix: None,
    explain: "\
## What it detects
A database that got at least `min_sessions` new sessions, more than `max_sessions_per_second`, which last
less than `min_session_seconds` on average.

## Why it matters
Each connection starts a process, authenticates and fills its own caches of the catalogue: some
milliseconds of processor time, often more than the statements it then runs.

## How to fix
Keep connections in a pool in the application, or put a pooler in transaction mode in front.

## When to ignore
Load tests. A pooler that opens and closes its own connections this fast is set up wrongly
(`server_lifetime`, pool sizes).

## References
PostgreSQL documentation: `pg_stat_database`, `sessions` and `session_time`.
",
    run: Run::Postgres(run),
};

static RATE: Threshold = Threshold {
    key: "max_sessions_per_second",
    unit: Unit::PerSecond,
    default: 1.0,
    strict: None,
    range: (0.0, 1e6),
    why: "deployments and cron jobs stay far below one a second",
};

static DURATION: Threshold = Threshold {
    key: "min_session_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (0.0, 1e6),
    why: "a pool keeps connections for minutes to hours",
};

static SESSIONS: Threshold = Threshold {
    key: "min_sessions",
    unit: Unit::Count,
    default: 60.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a few connections in the first seconds after a reset are no rate: a minute of one a second",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (databases, window) = (pg.databases()?, pg.window().ok());
    if !databases.is_empty() && databases.iter().all(|database| database.sessions.is_none()) {
        return Err(Skip::not_applicable("the server does not count sessions"));
    }
    let found = database_counters::each(pg, databases, window, |seen| {
        let enough = cx.limit_for(&SESSIONS, &seen.counters.name);
        seen.counters.sessions.is_some_and(|sessions| sessions as f64 >= enough)
    });
    Ok(found.filter_map(|seen| finding(cx, &seen)).collect())
}

fn finding(cx: &Context<'_>, seen: &Counted<'_, Database>) -> Option<Finding> {
    let name = &seen.counters.name;
    let sessions = seen.counters.sessions.filter(|sessions| *sessions > 0)? as f64;
    let lasting = seen.counters.session_time_ms? / 1000.0 / sessions;
    let rate = seen.per_second(sessions)?;
    let (max_rate, min_lasting) = (cx.limit_for(&RATE, name), cx.limit_for(&DURATION, name));
    if rate <= max_rate || lasting >= min_lasting {
        return None;
    }
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("database", name),
            format!(
                "database {name} got {} new sessions {}, which last {} on average",
                words::count(sessions),
                seen.when(),
                words::seconds(lasting)
            ),
            "Keep connections in a pool in the application, or put a pooler in transaction mode in \
             front.",
        )
        .with(
            Evidence::new(
                "new sessions",
                rate,
                Unit::PerSecond,
                seen.source("pg_stat_database.sessions"),
            )
            .against(max_rate),
        )
        .with(
            Evidence::new(
                "mean duration",
                lasting,
                Unit::Seconds,
                seen.source("pg_stat_database.session_time"),
            )
            .against(min_lasting),
        )
        .with(seen.time())
        .promising("saves a process and an authentication for each of them");
    Some(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn with(sessions: i64, lasting_ms: f64) -> Snapshot {
        testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            database.sessions = Some(sessions);
            database.session_time_ms = Some(sessions as f64 * lasting_ms);
            database.stats_reset = ago(1000);
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let found = |sessions, ms| testing::findings(&CHECK, &with(sessions, ms)).len();
        assert_eq!(found(1000, 50.0), 0, "one a second exactly");
        assert_eq!(found(1001, 50.0), 1);
        assert_eq!(found(1001, 59_999.0), 1);
        assert_eq!(found(1001, 60_000.0), 0);
        assert_eq!(found(0, 0.0), 0);
    }

    #[test]
    fn the_first_seconds_after_a_reset_prove_nothing() {
        let found = |sessions| {
            let mut snapshot = with(sessions, 50.0);
            if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
                edit(&mut pg.databases)[0].stats_reset = ago(2);
            }
            testing::findings(&CHECK, &snapshot).len()
        };
        assert_eq!((found(59), found(60)), (0, 1));
    }

    #[test]
    fn is_skipped_where_sessions_are_not_counted() {
        let uncounted = testing::pg(|pg| edit(&mut pg.databases)[0].sessions = None);
        assert_eq!(testing::skipped(&CHECK, &uncounted).0.reason, Reason::NotApplicable);
        let none = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
