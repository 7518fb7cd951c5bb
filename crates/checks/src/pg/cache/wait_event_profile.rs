//! What busy sessions wait for: over a window, or in one look over many of them.

use std::collections::BTreeMap;

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{activity::Session, window::Sampled},
};

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
    uses: &["window"],
    thresholds: &[&SHARE, &MIN_SESSIONS, &MIN_MEAN, &MIN_LOOKS],
    fix: None,
    explain: "\
## What it detects
Over a window of at least `min_looks` looks, at least `min_active_mean` sessions were active on average, and
spent more than `max_class_ratio` of their time waiting for the same class of event. Without a window it is
one look: at least `min_active_sessions` sessions at one time. Waits for locks are the business of
`pg-blocked-session` and `pg-lock-wait-average`, and who sleeps does so on purpose.

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

static MIN_MEAN: Threshold = Threshold {
    key: "min_active_mean",
    unit: Unit::Count,
    default: 2.0,
    strict: None,
    range: (0.0, 10_000.0),
    why: "fewer than two sessions at work are no load, whatever they wait for",
};

static MIN_LOOKS: Threshold = Threshold {
    key: "min_looks",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (1.0, 1e9),
    why: "with fifty looks a share of one half is known to within 14 points",
};

/// Waits for locks are told elsewhere; who sleeps does so on purpose.
const NOT_OURS: &[&str] = &["Lock", "Timeout", "Activity"];

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (sessions, window) = (pg.activity()?, pg.window().ok());
    match window.and_then(|window| window.sampled.as_ref()) {
        Some(sampled) if sampled.looks as f64 >= cx.limit(&MIN_LOOKS) => {
            Ok(watched(pg, cx, sampled).into_iter().collect())
        }
        _ => Ok(one_look(pg, cx, sessions).into_iter().collect()),
    }
}

/// Judges the time of all active sessions over a window.
fn watched(pg: &PgView<'_>, cx: &Context<'_>, sampled: &Sampled) -> Option<Finding> {
    let classes = sampled.classes();
    let (class, mean) = *classes.first()?;
    let share = mean / sampled.active_mean.max(f64::MIN_POSITIVE);
    let is_ours = class != "CPU" && !NOT_OURS.contains(&class);
    let busy = sampled.active_mean >= cx.limit(&MIN_MEAN);
    if !is_ours || !busy || share <= cx.limit(&SHARE) {
        return None;
    }
    let source = format!("pg_stat_activity, {} looks", sampled.looks);
    let events = sampled.events.iter().filter(|event| event.class == class).take(3);
    let events: Vec<_> = events
        .map(|event| {
            let part = words::percent(event.sessions_mean / sampled.active_mean);
            format!("{} {part}", event.event)
        })
        .collect();
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            format!(
                "active sessions ({:.1} on average) spent {} of their time waiting for {class}",
                sampled.active_mean,
                words::percent(share)
            ),
            advice(class),
        )
        .with(
            Evidence::new("share of the time", share, Unit::Ratio, source.as_str())
                .against(cx.limit(&SHARE)),
        )
        .with(
            Evidence::new("active sessions", sampled.active_mean, Unit::Count, source.as_str())
                .against(cx.limit(&MIN_MEAN)),
        )
        .with(Evidence::new("events", events.join(", "), Unit::Text, source.as_str()));
    let leader = sampled
        .statements
        .iter()
        .find(|statement| statement.events.first().is_some_and(|event| event.class == class));
    Some(match leader.and_then(|statement| statement.text.as_deref()) {
        Some(text) => found.with(Evidence::new(
            "statement that waited most",
            words::shorten(text, 120),
            Unit::Text,
            source,
        )),
        None => found,
    })
}

/// Judges one look over many sessions.
fn one_look(pg: &PgView<'_>, cx: &Context<'_>, sessions: &[Session]) -> Option<Finding> {
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
    let (class, waiting) = most.filter(|_| active.len() as f64 >= cx.limit(&MIN_SESSIONS))?;
    let share = waiting.len() as f64 / active.len() as f64;
    if share <= cx.limit(&SHARE) || NOT_OURS.contains(class) {
        return None;
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
    Some(finding)
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
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::window::{SampledEvent, SampledStatement, Window},
    };

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

    /// 60 looks at sessions of which so many waited for the class and so many ran.
    fn sampled(class: &str, waiting: f64, running: f64, looks: i64) -> Snapshot {
        let event = |class: &str, event: &str, sessions_mean| SampledEvent {
            class: class.into(),
            event: event.into(),
            sessions_mean,
        };
        let read = event(class, "DataFileRead", waiting);
        let statement = SampledStatement {
            text: Some("select 1".into()),
            events: vec![read.clone()],
            ..SampledStatement::default()
        };
        let sampled = Sampled {
            looks,
            active_mean: waiting + running,
            events: vec![read, event("CPU", "", running)],
            statements: vec![statement],
            ..Sampled::default()
        };
        testing::pg(|pg| {
            pg.window = Section::collected(Window { sampled: Some(sampled), ..Window::default() });
        })
    }

    #[test]
    fn a_window_is_judged_by_the_time_that_was_spent() {
        let found = testing::findings(&CHECK, &sampled("IO", 1.2, 0.8, 60));
        assert_eq!(
            found[0].message,
            "active sessions (2.0 on average) spent 60 % of their time waiting for IO"
        );
        assert!(found[0].evidence.iter().any(|e| e.label == "statement that waited most"));
        assert!(testing::findings(&CHECK, &sampled("IO", 1.0, 1.0, 60)).is_empty(), "share");
        assert!(testing::findings(&CHECK, &sampled("IO", 1.8, 0.1, 60)).is_empty(), "no load");
        assert!(testing::findings(&CHECK, &sampled("IO", 9.0, 0.0, 49)).is_empty(), "few looks");
        assert!(testing::findings(&CHECK, &sampled("Lock", 9.0, 0.0, 60)).is_empty());
        assert!(testing::findings(&CHECK, &sampled("CPU", 9.0, 0.0, 60)).is_empty());
    }

    #[test]
    fn is_skipped_without_activity() {
        let hidden =
            testing::pg(|pg| pg.activity = Section::unavailable(Reason::Permission, "hidden"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
    }
}
