//! Sessions that hold a transaction open and do nothing.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::session::{self, Lasting};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// Time since the last statement of an open transaction.
pub static CHECK: Check = Check {
    id: "pg-idle-in-transaction",
    title: "Idle in transaction",
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
A client session that has an open transaction and has sent nothing for at least `warning_seconds` (or
`critical_seconds`).

## Why it matters
It keeps every lock it took, so that writers and DDL queue behind it; it keeps vacuum from removing rows;
and in a transaction-mode pool it takes a server connection from everybody.

## How to fix
Find the code that waits for something else (a user, a web service) between statements, and commit
before. `pg_terminate_backend` ends the session; `idle_in_transaction_session_timeout` does so by itself.

## When to ignore
A person at a prompt in the middle of a change, who should hurry nevertheless.

## References
PostgreSQL documentation: Client Connection Defaults, `idle_in_transaction_session_timeout`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (0.0, 1e7),
    why: "programs need milliseconds between statements; a minute means that something else is waited for",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 600.0,
    strict: None,
    range: (0.0, 1e7),
    why: "after ten minutes its client is gone or has forgotten it, and its locks stay",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let sessions = pg.activity()?;
    let found = session::clients(pg, sessions)
        .filter(|session| session::is_idle_in_transaction(session))
        .filter_map(|session| {
            let lasting = Lasting {
                session,
                since: session.state_changed_at,
                source: "pg_stat_activity.state_change",
                problem: "has been idle in its transaction for",
                advice: "End the session; make the code commit before it waits for anything else, and \
                         set idle_in_transaction_session_timeout.",
            };
            let found = lasting.judge(pg, cx, &WARNING, &CRITICAL)?;
            let found = match pg.seconds_since(session.transaction_started_at) {
                Some(age) => found.with(Evidence::new(
                    "age of the transaction",
                    age,
                    Unit::Seconds,
                    "pg_stat_activity.xact_start",
                )),
                None => found,
            };
            Some(found.fixed_by(session::terminate(session)))
        })
        .collect();
    session::unless_hidden(found, pg, sessions)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::activity::Session};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn idle(seconds: i64) -> Session {
        Session {
            pid: 12,
            user: Some("web".into()),
            backend_type: "client backend".into(),
            state: Some("idle in transaction".into()),
            state_changed_at: ago(seconds),
            transaction_started_at: ago(seconds + 5),
            ..Session::default()
        }
    }

    fn with(session: Session) -> Snapshot {
        testing::pg(|pg| *edit(&mut pg.activity) = vec![session])
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity =
            |age| testing::findings(&CHECK, &with(idle(age))).first().map(|found| found.severity);
        assert_eq!(severity(59), None);
        assert_eq!(severity(60), Some(Severity::Warning));
        assert_eq!(severity(599), Some(Severity::Warning));
        assert_eq!(severity(600), Some(Severity::Critical));
    }

    #[test]
    fn a_failed_transaction_counts_too_and_the_session_is_ended() {
        let failed = Session { state: Some("idle in transaction (aborted)".into()), ..idle(700) };
        let found = testing::findings(&CHECK, &with(failed)).remove(0);
        assert_eq!(found.fix.unwrap().statements, ["SELECT pg_terminate_backend(12);"]);
    }

    #[test]
    fn idle_sessions_and_our_own_are_silent() {
        let plain = Session { state: Some("idle".into()), ..idle(9999) };
        assert!(testing::findings(&CHECK, &with(plain)).is_empty());
        let own = testing::pg(|pg| {
            pg.server.own_pids = vec![12];
            *edit(&mut pg.activity) = vec![idle(9999)];
        });
        assert!(testing::findings(&CHECK, &own).is_empty());
    }

    #[test]
    fn is_skipped_when_hidden_or_missing() {
        let hidden = Session { query: "<insufficient privilege>".into(), ..Session::default() };
        assert_eq!(testing::skipped(&CHECK, &with(hidden)).0.reason, Reason::Permission);
        let none = testing::pg(|pg| pg.activity = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
