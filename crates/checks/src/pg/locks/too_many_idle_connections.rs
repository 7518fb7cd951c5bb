//! Connections that are open and do nothing.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::activity::Session};

use super::session;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Idle client sessions against all of them.
pub static CHECK: Check = Check {
    id: "pg-too-many-idle-connections",
    title: "Too many idle connections",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["activity"],
    uses: &[],
    thresholds: &[&IDLE_RATIO, &IDLE, &IDLE_TIME],
    fix: None,
    explain: "\
## What it detects
More than `max_idle` client connections, and more than `max_idle_ratio` of all, have been idle for at
least `min_idle_seconds`.

## Why it matters
Each holds a process with its own caches (5 to 10 MB, more with many tables or prepared statements), makes
every snapshot a little dearer, and takes a slot from those who have work.

## How to fix
Make the pools of the application smaller: together they need little more than the connections that
work at the same time. With many application processes, put a pooler in transaction mode in front.

## When to ignore
Pools that must be warm for a burst, on a server with memory to spare.

## References
PostgreSQL documentation: Connections and Authentication; `idle_session_timeout`.
",
    run: Run::Postgres(run),
};

static IDLE_RATIO: Threshold = Threshold {
    key: "max_idle_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "a pool where half the connections rest is twice as large as it needs to be",
};

static IDLE: Threshold = Threshold {
    key: "max_idle",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (0.0, 1e6),
    why: "fifty processes take half a gigabyte; fewer are not worth a change",
};

static IDLE_TIME: Threshold = Threshold {
    key: "min_idle_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (0.0, 1e6),
    why: "between two requests every connection is idle for a moment",
};

/// How many of the users and applications with idle connections the evidence names.
const NAMED: usize = 3;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let sessions = pg.activity()?;
    let name = pg.name();
    let clients: Vec<_> = session::clients(pg, sessions).collect();
    let rests = |session: &&&Session| {
        let since = pg.seconds_since(session.state_changed_at);
        session.state.as_deref() == Some("idle")
            && since.is_some_and(|seconds| seconds >= cx.limit_for(&IDLE_TIME, name))
    };
    let idle: Vec<_> = clients.iter().filter(rests).collect();
    let (resting, all) = (idle.len() as f64, clients.len().max(1) as f64);
    let (max_idle, max_ratio) = (cx.limit_for(&IDLE, name), cx.limit_for(&IDLE_RATIO, name));
    if resting <= max_idle || resting / all <= max_ratio {
        return session::unless_hidden(Vec::new(), pg, sessions);
    }
    let mut holders: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for session in &idle {
        let user = session.user.as_deref().unwrap_or("unknown user");
        *holders.entry((user, session.application.as_str())).or_default() += 1;
    }
    let mut holders: Vec<_> = holders.into_iter().collect();
    holders.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", name),
            format!(
                "{} of {} connections have been idle for {} or longer",
                words::count(resting),
                words::count(all),
                words::seconds(cx.limit_for(&IDLE_TIME, name))
            ),
            "Make the pools of the application smaller, or put a pooler in transaction mode in front.",
        )
        .with(Evidence::new("idle", resting, Unit::Count, "pg_stat_activity").against(max_idle))
        .with(
            Evidence::new("share idle", resting / all, Unit::Ratio, "pg_stat_activity")
                .against(max_ratio),
        );
    let found =
        holders.into_iter().take(NAMED).fold(found, |found, ((user, application), count)| {
            let label = if application.is_empty() {
                format!("idle of {user}")
            } else {
                format!("idle of {user} ({application})")
            };
            found.with(Evidence::new(label, count as f64, Unit::Count, "pg_stat_activity"))
        });
    Ok(vec![found.promising("each idle connection gives back a process and its memory")])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn with(idle: usize, active: usize, seconds: i64) -> Snapshot {
        testing::pg(|pg| {
            let resting = Session {
                user: Some("web".into()),
                backend_type: "client backend".into(),
                state: Some("idle".into()),
                state_changed_at: ago(seconds),
                ..Session::default()
            };
            let active_one = Session { state: Some("active".into()), ..resting.clone() };
            *edit(&mut pg.activity) = vec![resting; idle];
            edit(&mut pg.activity).extend(vec![active_one; active]);
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let found = |idle, active, age| testing::findings(&CHECK, &with(idle, active, age)).len();
        assert_eq!(found(50, 0, 60), 0, "fifty exactly");
        assert_eq!(found(51, 0, 60), 1);
        assert_eq!(found(51, 51, 60), 0, "half exactly");
        assert_eq!(found(52, 51, 60), 1);
        assert_eq!(found(51, 0, 59), 0, "between two requests");
    }

    #[test]
    fn the_evidence_names_who_holds_them() {
        let found = testing::findings(&CHECK, &with(60, 10, 3600)).remove(0);
        assert_eq!(found.message, "60 of 70 connections have been idle for 60 s or longer");
        assert!(found.evidence.iter().any(|evidence| evidence.label == "idle of web"));
    }

    #[test]
    fn is_skipped_when_hidden_or_missing() {
        let hidden = testing::pg(|pg| {
            let query = "<insufficient privilege>".to_owned();
            *edit(&mut pg.activity) = vec![Session { query, ..Session::default() }];
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
        let none = testing::pg(|pg| pg.activity = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
