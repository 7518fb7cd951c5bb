//! Sessions that did not end as their client meant them to.

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

/// Abandoned, failed and killed sessions against all of them.
pub static CHECK: Check = Check {
    id: "pg-sessions-abandoned",
    title: "Sessions abandoned or killed",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (14, u32::MAX),
    needs: &["databases"],
    uses: &["window"],
    thresholds: &[&LOST_RATIO, &SESSIONS],
    fix: None,
    explain: "\
## What it detects
In a database with at least `min_sessions` sessions, more than `max_lost_ratio` of them ended because the
client vanished, because of a fatal error, or because somebody ended them.

## Why it matters
Clients that vanish leave work behind that goes on for nobody, and point to crashes, network middle
boxes that drop idle connections, or timeouts. Fatal errors point to authentication, memory or limits.

## How to fix
Abandoned: set `tcp_keepalives_idle` below the idle timeout of firewalls and proxies, and let the
application close what it opens. Fatal: read the log. Killed: find who calls `pg_terminate_backend`, or
which timeout it is.

## When to ignore
Clients that are meant to be stopped hard, such as short-lived functions.

## References
PostgreSQL documentation: `pg_stat_database`, `sessions_abandoned`, `sessions_fatal`, `sessions_killed`.
",
    run: Run::Postgres(run),
};

static LOST_RATIO: Threshold = Threshold {
    key: "max_lost_ratio",
    unit: Unit::Ratio,
    default: 0.01,
    strict: None,
    range: (0.0, 1.0),
    why: "deployments that stop clients hard stay below one session in a hundred",
};

static SESSIONS: Threshold = Threshold {
    key: "min_sessions",
    unit: Unit::Count,
    default: 100.0,
    strict: None,
    range: (1.0, 1e9),
    why: "below a hundred sessions a single one decides",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (databases, window) = (pg.databases()?, pg.window().ok());
    if !databases.is_empty() && databases.iter().all(|database| database.sessions.is_none()) {
        return Err(Skip::not_applicable("the server does not count sessions"));
    }
    let found = database_counters::each(pg, databases, window, |seen| {
        let enough = cx.limit_for(&SESSIONS, &seen.counters.name);
        seen.counters.sessions.is_some_and(|sessions| sessions as f64 >= enough.max(1.0))
    });
    Ok(found.filter_map(|seen| finding(cx, &seen)).collect())
}

fn finding(cx: &Context<'_>, seen: &Counted<'_, Database>) -> Option<Finding> {
    let counters = seen.counters;
    let name = &counters.name;
    let sessions = counters.sessions? as f64;
    let kinds = [
        ("abandoned", counters.sessions_abandoned),
        ("fatal", counters.sessions_fatal),
        ("killed", counters.sessions_killed),
    ];
    let lost: f64 = kinds.iter().filter_map(|(_, count)| *count).map(|count| count as f64).sum();
    let ratio = lost / sessions;
    let limit = cx.limit_for(&LOST_RATIO, name);
    if ratio <= limit {
        return None;
    }
    let worst = kinds.iter().max_by_key(|(_, count)| *count).map_or("", |(kind, _)| kind);
    let advice = match worst {
        "abandoned" => {
            "Set tcp_keepalives_idle below the idle timeout of firewalls and proxies, and let clients \
             close what they open."
        }
        "fatal" => "Read the server's log for FATAL: authentication, memory or limits.",
        _ => "Find who calls pg_terminate_backend, or which timeout ends sessions.",
    };
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("database", name),
            format!(
                "{} of the sessions of database {name} were lost {}, most of them {worst}",
                words::percent(ratio),
                seen.when()
            ),
            advice,
        )
        .with(
            Evidence::new(
                "sessions lost",
                ratio,
                Unit::Ratio,
                seen.source("pg_stat_database.sessions_*"),
            )
            .against(limit),
        )
        .with(Evidence::new(
            "sessions",
            sessions,
            Unit::Count,
            seen.source("pg_stat_database.sessions"),
        ));
    let found = kinds.into_iter().fold(found, |found, (kind, count)| {
        let source = seen.source(&format!("pg_stat_database.sessions_{kind}"));
        found.with(Evidence::new(kind, count.unwrap_or(0), Unit::Count, source))
    });
    Some(found.with(seen.time()))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit};

    fn with(sessions: i64, abandoned: i64, killed: i64) -> Snapshot {
        testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            database.sessions = Some(sessions);
            database.sessions_abandoned = Some(abandoned);
            database.sessions_killed = Some(killed);
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let found = |all, lost| testing::findings(&CHECK, &with(all, lost, 0)).len();
        assert_eq!(found(1000, 10), 0, "1 % exactly");
        assert_eq!(found(1000, 11), 1);
        assert_eq!(found(99, 50), 0);
        assert_eq!(found(100, 50), 1);
        assert_eq!(found(0, 0), 0);
    }

    #[test]
    fn the_advice_follows_the_commonest_kind() {
        let found = testing::findings(&CHECK, &with(1000, 5, 50)).remove(0);
        assert!(found.message.ends_with("most of them killed"), "{}", found.message);
        assert!(found.recommendation.contains("pg_terminate_backend"));
    }

    #[test]
    fn is_skipped_where_sessions_are_not_counted() {
        let uncounted = testing::pg(|pg| edit(&mut pg.databases)[0].sessions = None);
        assert_eq!(testing::skipped(&CHECK, &uncounted).0.reason, Reason::NotApplicable);
        let none = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
