//! Sessions that wait for another's lock.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Subject, Unit, pg::window::SampledTree,
};

use super::{
    session,
    tree::{self, Tree},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Trees of waiting sessions, by what stands at their root.
pub static CHECK: Check = Check {
    id: "pg-blocked-session",
    title: "Blocked sessions",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["activity", "locks"],
    uses: &["window"],
    thresholds: &[&WARNING, &CRITICAL, &BLOCKED, &MIN_WAIT],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A session that others wait for: one of them for at least `warning_seconds` (or `critical_seconds`), or at
least `max_blocked` of them while one has waited for `min_wait_seconds`. The subject is the session at the
root, which waits for nobody; the evidence holds the tree below it. With a window, trees that came and went
while it was open count as well.

## Why it matters
Every waiting session holds a connection and its own locks, so queues grow: one forgotten transaction and
one `ALTER TABLE` behind it stop an application.

## How to fix
End the root, not the waiters: commit it, cancel its statement, or terminate an idle one. Run DDL with a
short `lock_timeout` and try again. Take rows in the same order everywhere, and hold locks briefly.

## When to ignore
Planned migrations while the application is down. Autovacuum, which gives way by itself, is never
reported as blocked.

## References
PostgreSQL documentation: Explicit Locking; `pg_blocking_pids`; `pg_locks`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (0.0, 1e7),
    why: "a minute is longer than any request is willing to wait",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (0.0, 1e7),
    why: "after five minutes pools are exhausted behind it",
};

static BLOCKED: Threshold = Threshold {
    key: "max_blocked",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e6),
    why: "three in one queue are no coincidence of two requests for one row",
};

static MIN_WAIT: Threshold = Threshold {
    key: "min_wait_seconds",
    unit: Unit::Seconds,
    default: 1.0,
    strict: None,
    range: (0.0, 1e7),
    why: "waits of milliseconds for a busy row are ordinary, however many there are at one moment",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (sessions, locks, window) = (pg.activity()?, pg.locks()?, pg.window().ok());
    let trees = tree::trees(pg, sessions, &locks.waits);
    let mut found: Vec<Finding> = trees.iter().filter_map(|tree| judge(cx, tree)).collect();
    let sampled = window.and_then(|window| window.sampled.as_ref());
    for seen in sampled.iter().flat_map(|sampled| &sampled.trees) {
        if !trees.iter().any(|tree| tree.root == seen.root) {
            found.extend(judge_gone(cx, seen));
        }
    }
    session::unless_hidden(found, pg, sessions)
}

/// A tree that was there while the window was open and is no more: nothing is left to end.
fn judge_gone(cx: &Context<'_>, tree: &SampledTree) -> Option<Finding> {
    let who = match (tree.root, &tree.user) {
        (0, _) => "prepared transaction".to_owned(),
        (root, Some(user)) => format!("{root} ({user})"),
        (root, None) => root.to_string(),
    };
    let subject = Subject::new("session", who.as_str());
    let (blocked, wait) = (tree.victims_max as f64, tree.longest_ms / 1000.0);
    let (severity, limit) = severity(cx, &who, blocked, wait)?;
    let waiters = waiters(tree.victims_max);
    let state = tree.state.as_deref().unwrap_or("state unknown");
    let source = "looks at the sessions";
    let finding = cx
        .finding(
            severity,
            subject,
            format!(
                "session {who} ({state}) made {waiters}, for up to {}, while it was watched",
                words::seconds(wait)
            ),
            "It is over: find what the session did, keep such transactions short, and run DDL with a \
             short lock_timeout.",
        )
        .with(
            Evidence::new("longest wait", wait, Unit::Seconds, source)
                .against(cx.limit_for(limit, &who)),
        )
        .with(
            Evidence::new("sessions blocked", blocked, Unit::Count, "pg_blocking_pids")
                .against(cx.limit_for(&BLOCKED, &who)),
        )
        .with(Evidence::new("application", tree.application.as_str(), Unit::Text, source));
    Some(finding)
}

/// How bad a tree is, and the limit it is held against.
fn severity(
    cx: &Context<'_>,
    name: &str,
    blocked: f64,
    wait: f64,
) -> Option<(Severity, &'static Threshold)> {
    let many = blocked >= cx.limit_for(&BLOCKED, name) && wait >= cx.limit_for(&MIN_WAIT, name);
    let severity =
        cx.above(wait, &WARNING, &CRITICAL, name).or(many.then_some(Severity::Warning))?;
    Some((severity, if severity == Severity::Critical { &CRITICAL } else { &WARNING }))
}

fn waiters(count: impl Into<i64>) -> String {
    match count.into() {
        1 => "another session wait".to_owned(),
        count => format!("{count} sessions wait"),
    }
}

fn judge(cx: &Context<'_>, tree: &Tree<'_>) -> Option<Finding> {
    let subject = match tree.session {
        Some(root) => session::subject(root),
        None if tree.root == 0 => Subject::new("session", "prepared transaction"),
        None => Subject::new("session", tree.root.to_string()),
    };
    let (blocked, wait) = (tree.blocked as f64, tree.longest_seconds);
    let (severity, limit) = severity(cx, &subject.name, blocked, wait)?;
    let limits = (cx.limit_for(limit, &subject.name), cx.limit_for(&BLOCKED, &subject.name));
    let who = match tree.session {
        Some(root) => session::label(root),
        None if tree.root == 0 => "a prepared transaction".to_owned(),
        None => format!("session {}", tree.root),
    };
    let waiters = waiters(i64::try_from(tree.blocked).unwrap_or(i64::MAX));
    let found = cx
        .finding(
            severity,
            subject,
            format!("{who} makes {waiters}, for up to {}", words::seconds(wait)),
            advice(tree),
        )
        .with(
            Evidence::new("longest wait", wait, Unit::Seconds, "pg_locks.waitstart")
                .against(limits.0),
        )
        .with(
            Evidence::new("sessions blocked", blocked, Unit::Count, "pg_blocking_pids")
                .against(limits.1),
        )
        .with(Evidence::new("tree", tree.text.as_str(), Unit::Text, "pg_blocking_pids"));
    let Some(root) = tree.session else { return Some(found) };
    let found = session::described(found, root).promising(format!("lets {waiters} no longer"));
    Some(match root.backend_type.as_str() {
        "client backend" if root.state.as_deref() == Some("active") => {
            found.fixed_by(session::cancel(root))
        }
        "client backend" => found.fixed_by(session::terminate(root)),
        _ => found,
    })
}

fn advice(tree: &Tree<'_>) -> &'static str {
    match tree.session {
        None if tree.root == 0 => {
            "Commit or roll back the prepared transaction that holds the lock: see pg_prepared_xacts."
        }
        Some(root) if root.backend_type == "autovacuum worker" => {
            "Let the vacuum finish if it prevents wraparound; otherwise it gives way by itself."
        }
        Some(root) if session::is_idle_in_transaction(root) => {
            "End the idle session at the root, not the waiters, and set \
             idle_in_transaction_session_timeout."
        }
        _ => {
            "Cancel the statement at the root, not the waiters; run DDL with a short lock_timeout."
        }
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::{
            activity::{LockWait, Session},
            window::Sampled,
        },
    };

    use super::*;
    use crate::testing::{self, ago, edit};

    /// `waiters` sessions behind session 1, in this state, the first waiting for so many seconds.
    fn queue(waiters: i64, seconds: i64, state: &str) -> Snapshot {
        testing::pg(|pg| {
            let root = Session {
                pid: 1,
                user: Some("web".into()),
                backend_type: "client backend".into(),
                state: Some(state.into()),
                ..Session::default()
            };
            let waiter = |pid| Session {
                pid,
                blocked_by: vec![1],
                state: Some("active".into()),
                ..root.clone()
            };
            *edit(&mut pg.activity) =
                std::iter::once(root.clone()).chain((2..2 + waiters).map(waiter)).collect();
            let wait = LockWait { pid: 2, waiting_since: ago(seconds), ..LockWait::default() };
            edit(&mut pg.locks).waits = vec![wait];
        })
    }

    fn severity(waiters: i64, seconds: i64) -> Option<Severity> {
        let found = testing::findings(&CHECK, &queue(waiters, seconds, "active"));
        found.first().map(|found| found.severity)
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(severity(1, 59), None);
        assert_eq!(severity(1, 60), Some(Severity::Warning));
        assert_eq!(severity(1, 299), Some(Severity::Warning));
        assert_eq!(severity(1, 300), Some(Severity::Critical));
        assert_eq!(severity(2, 1), None);
        assert_eq!(severity(3, 1), Some(Severity::Warning));
        assert_eq!(severity(3, 0), None, "three short waits are ordinary");
    }

    #[test]
    fn the_root_is_the_subject_and_what_is_ended() {
        let found = testing::findings(&CHECK, &queue(2, 90, "idle in transaction")).remove(0);
        assert_eq!(found.key, "pg-blocked-session@main/session:1 (web)");
        assert_eq!(found.message, "session 1 (web) makes 2 sessions wait, for up to 90 s");
        assert_eq!(found.fix.unwrap().statements, ["SELECT pg_terminate_backend(1);"]);
        let active = testing::findings(&CHECK, &queue(2, 90, "active")).remove(0);
        assert_eq!(active.fix.unwrap().statements, ["SELECT pg_cancel_backend(1);"]);
    }

    #[test]
    fn autovacuum_is_not_blocked_and_is_never_killed() {
        let mut snapshot = queue(1, 400, "active");
        let change = |snapshot: &mut Snapshot, at: usize| {
            if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
                "autovacuum worker".clone_into(&mut edit(&mut pg.activity)[at].backend_type);
            }
        };
        change(&mut snapshot, 0);
        assert!(testing::findings(&CHECK, &snapshot)[0].fix.is_none());
        change(&mut snapshot, 1);
        assert!(testing::findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn a_tree_that_came_and_went_in_the_window_is_told_once() {
        let watched = |root, victims_max, longest_ms| {
            let mut snapshot = queue(2, 90, "active");
            if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
                let tree = SampledTree {
                    root,
                    victims_max,
                    longest_ms,
                    user: Some("job".into()),
                    ..SampledTree::default()
                };
                let sampled = Some(Sampled { trees: vec![tree], ..Sampled::default() });
                edit(&mut pg.window).sampled = sampled;
            }
            testing::findings(&CHECK, &snapshot)
        };
        assert_eq!(watched(1, 2, 90_000.0).len(), 1, "it is still there");
        let found = watched(7, 1, 60_000.0);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[1].message,
            "session 7 (job) (state unknown) made another session wait, for up to 60 s, while it was \
             watched"
        );
        assert_eq!(watched(7, 1, 59_999.0).len(), 1);
        assert_eq!(watched(7, 3, 1_000.0).len(), 2);
    }

    #[test]
    fn is_skipped_without_locks_or_when_hidden() {
        let hidden = testing::pg(|pg| {
            let query = "<insufficient privilege>".to_owned();
            *edit(&mut pg.activity) = vec![Session { query, ..Session::default() }];
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
        let none = testing::pg(|pg| pg.locks = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
