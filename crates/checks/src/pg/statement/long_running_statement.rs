//! Statements that run right now, and have for long.

use dbvitals_model::{FixKind, Severity, Unit};

use super::command;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::locks::session::{self, Lasting},
    skip::Judged,
    view::PgView,
};

/// Age of the statement of active client sessions.
pub static CHECK: Check = Check {
    id: "pg-long-running-statement",
    title: "Long-running statement",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["activity"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A statement of a client that has been running for at least `warning_seconds` (or `critical_seconds`).

## Why it matters
It holds a connection, its locks, and the snapshot that keeps vacuum from cleaning up; often its client
gave up long ago.

## How to fix
Ask its owner. `pg_cancel_backend` stops the statement, `pg_terminate_backend` the session too. Then look
at its plan, and bound such statements with `statement_timeout` for the role.

## When to ignore
Reports and batches that are meant to take so long: raise the thresholds. Replication, autovacuum, DDL,
vacuum, index builds and copies are never reported, and a statement that waits for a lock is reported by
`pg-blocked-session`.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_stat_activity`; Server Signaling Functions.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (1.0, 1e7),
    why: "no user waits five minutes, and no proxy keeps a request open for as long",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 1800.0,
    strict: None,
    range: (1.0, 1e7),
    why: "after half an hour the snapshot it holds makes busy tables grow",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let sessions = pg.activity()?;
    let found = session::clients(pg, sessions)
        .filter(|session| session.state.as_deref() == Some("active"))
        .filter(|session| session.wait_event_type.as_deref() != Some("Lock"))
        .filter(|session| !command::is_maintenance(&session.query))
        .filter_map(|session| {
            let lasting = Lasting {
                session,
                since: session.query_started_at,
                source: "pg_stat_activity.query_start",
                problem: "has been running one statement for",
                advice: "Cancel it if nobody waits for it any more; bound the next one with \
                         statement_timeout for its role.",
            };
            let found = lasting.judge(pg, cx, &WARNING, &CRITICAL)?;
            Some(found.fixed_by(session::cancel(session)))
        })
        .collect();
    session::unless_hidden(found, pg, sessions)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::activity::Session};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn running(seconds: i64) -> Session {
        Session {
            pid: 4711,
            user: Some("web".into()),
            database: Some("app".into()),
            backend_type: "client backend".into(),
            state: Some("active".into()),
            query: "select count(*) from orders".into(),
            query_started_at: ago(seconds),
            ..Session::default()
        }
    }

    fn with(session: Session) -> Snapshot {
        testing::pg(|pg| {
            pg.server.own_pids = vec![99];
            *edit(&mut pg.activity) = vec![session];
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity = |age| {
            testing::findings(&CHECK, &with(running(age))).first().map(|found| found.severity)
        };
        assert_eq!(severity(299), None);
        assert_eq!(severity(300), Some(Severity::Warning));
        assert_eq!(severity(1799), Some(Severity::Warning));
        assert_eq!(severity(1800), Some(Severity::Critical));
    }

    #[test]
    fn names_the_session_and_offers_to_cancel() {
        let found = testing::findings(&CHECK, &with(running(600))).remove(0);
        assert_eq!(found.key, "pg-long-running-statement@main/session:app.4711 (web)");
        assert_eq!(found.message, "session 4711 (web) has been running one statement for 10 min");
        assert_eq!(found.fix.unwrap().statements, ["SELECT pg_cancel_backend(4711);"]);
    }

    #[test]
    fn what_runs_long_by_nature_is_silent() {
        let quiet = |session| testing::findings(&CHECK, &with(session)).is_empty();
        for kind in ["walsender", "autovacuum worker", "logical replication worker"] {
            assert!(quiet(Session { backend_type: kind.into(), ..running(9999) }), "{kind}");
        }
        for query in
            ["VACUUM ANALYZE orders", "create index concurrently i on t (a)", "COPY t TO stdout"]
        {
            assert!(quiet(Session { query: query.into(), ..running(9999) }), "{query}");
        }
        assert!(quiet(Session { state: Some("idle".into()), ..running(9999) }));
        assert!(quiet(Session { wait_event_type: Some("Lock".into()), ..running(9999) }));
        assert!(quiet(Session { pid: 99, ..running(9999) }), "our own");
        assert!(quiet(Session { query_started_at: None, ..running(1) }));
    }

    #[test]
    fn hidden_sessions_are_no_clean_bill() {
        let hidden = Session {
            state: None,
            query: "<insufficient privilege>".into(),
            backend_type: String::new(),
            ..running(9999)
        };
        let skip = testing::skipped(&CHECK, &with(hidden));
        assert_eq!(skip.0.reason, Reason::Permission);
        let none = testing::pg(|pg| pg.activity = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
