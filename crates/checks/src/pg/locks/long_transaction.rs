//! Transactions that stay open for long.

use dbvitals_model::{FixKind, Severity, Unit, pg::activity::Session};

use super::session::{self, Lasting};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::statement::command,
    skip::Judged,
    view::PgView,
};

/// Age of the transactions of client sessions.
pub static CHECK: Check = Check {
    id: "pg-long-transaction",
    title: "Long transaction",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["activity"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A transaction of several statements that began at least `warning_seconds` (or `critical_seconds`) ago.

## Why it matters
It keeps its locks and its snapshot: every table of the database grows, since vacuum may not remove what
it could still see, and transaction ids cannot be frozen.

## How to fix
Commit in batches, take work that is not the database's out of the transaction, run reports on a standby.
`pg_terminate_backend` ends the session and rolls the transaction back. `transaction_timeout` (17 on)
bounds it.

## When to ignore
Dumps: a running `pg_dump` is a warning at most. One statement that is its own transaction is reported by
`pg-long-running-statement`, and a transaction that mostly idles by `pg-idle-in-transaction`; vacuum and
other maintenance is never reported.

## References
PostgreSQL documentation: Routine Vacuuming; Client Connection Defaults, `transaction_timeout`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (0.0, 1e7),
    why: "a request that changes data is done in seconds; five minutes is a batch without commits",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (0.0, 1e7),
    why: "an hour of dead rows that cannot be removed doubles a busy table",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let sessions = pg.activity()?;
    let found = session::clients(pg, sessions)
        .filter(|session| !is_told_elsewhere(pg, session))
        .filter_map(|session| {
            let lasting = Lasting {
                session,
                since: session.transaction_started_at,
                source: "pg_stat_activity.xact_start",
                problem: "has held its transaction open for",
                advice: "Commit in smaller batches; run long reports on a standby. End the session if \
                         nobody needs it any more.",
            };
            let mut found = lasting.judge(pg, cx, &WARNING, &CRITICAL)?;
            if session.application == "pg_dump" {
                found.severity = Severity::Warning;
                "Let the dump finish; dump from a standby, or in parallel, so that it takes less long."
                    .clone_into(&mut found.recommendation);
                return Some(found);
            }
            Some(found.fixed_by(session::terminate(session)))
        })
        .collect();
    session::unless_hidden(found, pg, sessions)
}

/// One cause, one finding: single statements, maintenance, and transactions that mostly idle.
fn is_told_elsewhere(pg: &PgView<'_>, session: &Session) -> bool {
    let Some(age) = pg.seconds_since(session.transaction_started_at) else { return true };
    if session::is_idle_in_transaction(session) {
        return pg.seconds_since(session.state_changed_at).is_some_and(|idle| idle >= age / 2.0);
    }
    let statement = pg.seconds_since(session.query_started_at);
    let is_single = statement.is_some_and(|statement| age - statement < 1.0);
    let is_dump = session.application == "pg_dump";
    is_single || (!is_dump && command::is_maintenance(&session.query))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn open(seconds: i64) -> Session {
        Session {
            pid: 12,
            user: Some("batch".into()),
            backend_type: "client backend".into(),
            state: Some("active".into()),
            query: "update orders set note = $1".into(),
            query_started_at: ago(2),
            transaction_started_at: ago(seconds),
            ..Session::default()
        }
    }

    fn with(session: Session) -> Snapshot {
        testing::pg(|pg| *edit(&mut pg.activity) = vec![session])
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity =
            |age| testing::findings(&CHECK, &with(open(age))).first().map(|found| found.severity);
        assert_eq!(severity(299), None);
        assert_eq!(severity(300), Some(Severity::Warning));
        assert_eq!(severity(3599), Some(Severity::Warning));
        assert_eq!(severity(3600), Some(Severity::Critical));
    }

    #[test]
    fn a_transaction_that_works_between_short_pauses_is_reported() {
        let pause = Session {
            state: Some("idle in transaction".into()),
            state_changed_at: ago(1),
            ..open(4000)
        };
        let found = testing::findings(&CHECK, &with(pause)).remove(0);
        assert_eq!(found.fix.unwrap().statements, ["SELECT pg_terminate_backend(12);"]);
    }

    #[test]
    fn what_other_checks_tell_is_silent_here() {
        let quiet = |session| testing::findings(&CHECK, &with(session)).is_empty();
        assert!(quiet(Session { query_started_at: ago(4000), ..open(4000) }), "one statement");
        let idle = Session {
            state: Some("idle in transaction".into()),
            state_changed_at: ago(2000),
            ..open(4000)
        };
        assert!(quiet(idle), "mostly idle");
        assert!(quiet(Session { query: "VACUUM orders".into(), ..open(4000) }));
        assert!(quiet(Session { backend_type: "walsender".into(), ..open(4000) }));
        assert!(quiet(Session { transaction_started_at: None, ..open(4000) }));
    }

    #[test]
    fn a_dump_is_a_warning_and_is_not_to_be_killed() {
        let dump = Session {
            application: "pg_dump".into(),
            query: "COPY public.orders TO stdout".into(),
            ..open(40_000)
        };
        let found = testing::findings(&CHECK, &with(dump)).remove(0);
        assert_eq!(found.severity, Severity::Warning);
        assert!(found.fix.is_none());
    }

    #[test]
    fn is_skipped_when_hidden_or_missing() {
        let hidden = Session { query: "<insufficient privilege>".into(), ..Session::default() };
        assert_eq!(testing::skipped(&CHECK, &with(hidden)).0.reason, Reason::Permission);
        let none = testing::pg(|pg| pg.activity = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
