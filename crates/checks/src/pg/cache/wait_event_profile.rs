//! What busy sessions wait for, seen in one look over many of them.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::activity::Session};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// The class of waits that holds up most of the active sessions.
pub static CHECK: Check = Check {
    id: "pg-wait-event-profile",
    title: "One wait dominates",
    topic: Topic::Cache,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["activity"],
    uses: &[],
    thresholds: &[&SHARE, &MIN_SESSIONS],
    fix: None,
    explain: "\
## What it detects
At the moment of the audit at least `min_active_sessions` sessions were active, and more than
`max_class_ratio` of them waited for the same class of event. It is one look: many sessions at one time,
not one session over time. Waits for locks are the business of `pg-blocked-session`, and who sleeps does
so on purpose.

## Why it matters
The class says where to look: `IO` at reads and disks, `LWLock` at contention inside the server, `IPC` at
parallel workers or synchronous standbys, `Client` at slow receivers.

## How to fix
Look at the events named in the evidence, and at the statements of the sessions that wait.

## When to ignore
When a second look shows something else.

## References
PostgreSQL documentation: Monitoring Database Activity, Wait Events.
",
    run: Run::Postgres(run),
};

static SHARE: Threshold = Threshold {
    key: "max_class_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "when most active sessions wait for one thing, that thing is the bottleneck",
};

static MIN_SESSIONS: Threshold = Threshold {
    key: "min_active_sessions",
    unit: Unit::Count,
    default: 20.0,
    strict: None,
    range: (2.0, 10_000.0),
    why: "one look at fewer sessions is an anecdote, not a sample",
};

/// Waits for locks are told elsewhere; who sleeps does so on purpose.
const NOT_OURS: &[&str] = &["Lock", "Timeout", "Activity"];

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let sessions = pg.activity()?;
    let active: Vec<_> = sessions
        .iter()
        .filter(|s| s.backend_type == "client backend" && s.state.as_deref() == Some("active"))
        .collect();
    let mut classes: BTreeMap<&str, Vec<&Session>> = BTreeMap::new();
    for session in &active {
        if let Some(class) = session.wait_event_type.as_deref() {
            classes.entry(class).or_default().push(session);
        }
    }
    let most = classes.iter().max_by_key(|(_, waiting)| waiting.len());
    let Some((class, waiting)) = most.filter(|_| active.len() as f64 >= cx.limit(&MIN_SESSIONS))
    else {
        return Ok(Vec::new());
    };
    let share = waiting.len() as f64 / active.len() as f64;
    if share <= cx.limit(&SHARE) || NOT_OURS.contains(class) {
        return Ok(Vec::new());
    }
    let source = "pg_stat_activity, one look";
    let finding = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            format!(
                "{} of {} active sessions ({}) waited for {class} at the moment of the audit",
                waiting.len(),
                active.len(),
                words::percent(share)
            ),
            advice(class),
        )
        .with(
            Evidence::new("sessions waiting", share, Unit::Ratio, source).against(cx.limit(&SHARE)),
        )
        .with(
            Evidence::new("active sessions", active.len() as f64, Unit::Count, source)
                .against(cx.limit(&MIN_SESSIONS)),
        )
        .with(Evidence::new("events", events(waiting), Unit::Text, source));
    Ok(vec![finding])
}

/// The three most frequent events with their counts: `DataFileRead 12, WALSync 3`.
fn events(waiting: &[&Session]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for session in waiting {
        *counts.entry(session.wait_event.as_deref().unwrap_or("unknown")).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let named: Vec<_> =
        counts.iter().take(3).map(|(event, count)| format!("{event} {count}")).collect();
    named.join(", ")
}

fn advice(class: &str) -> &'static str {
    match class {
        "IO" => "Look at the disk's latency and at the statements that read or write most.",
        "LWLock" => "Look at the events: too many sessions at once? Put a pooler in front.",
        "IPC" => "Look at parallel workers and at the standbys that commits wait for.",
        "Client" => {
            "Look at the clients: they take results more slowly than the server makes them."
        }
        _ => "Look at the events and at the statements of the sessions that wait.",
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit};

    fn with(waiting: usize, running: usize, class: &str) -> Snapshot {
        let session = |wait: Option<&str>| Session {
            backend_type: "client backend".into(),
            state: Some("active".into()),
            wait_event_type: wait.map(str::to_owned),
            wait_event: wait.map(|_| "DataFileRead".to_owned()),
            ..Session::default()
        };
        testing::pg(|pg| {
            *edit(&mut pg.activity) = vec![session(Some(class)); waiting];
            edit(&mut pg.activity).extend(vec![session(None); running]);
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let found = testing::findings(&CHECK, &with(11, 9, "IO"));
        assert!(found[0].message.starts_with("11 of 20 active sessions (55 %) waited for IO"));
        assert!(testing::findings(&CHECK, &with(10, 10, "IO")).is_empty(), "share");
        assert!(testing::findings(&CHECK, &with(19, 0, "IO")).is_empty(), "too few");
    }

    #[test]
    fn lock_waits_and_sleeps_are_not_its_business() {
        assert!(testing::findings(&CHECK, &with(30, 0, "Lock")).is_empty());
        assert!(testing::findings(&CHECK, &with(30, 0, "Timeout")).is_empty(), "pg_sleep");
    }

    #[test]
    fn is_skipped_without_activity() {
        let hidden =
            testing::pg(|pg| pg.activity = Section::unavailable(Reason::Permission, "hidden"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
    }
}
