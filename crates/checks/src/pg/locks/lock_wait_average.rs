//! How long sessions wait for locks, on average over the window.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Mean of the waits seen by repeated looks at the sessions.
pub static CHECK: Check = Check {
    id: "pg-lock-wait-average",
    title: "Long lock waits",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["window"],
    uses: &[],
    thresholds: &[&MEAN, &WAITS],
    fix: None,
    explain: "\
## What it detects
At least `min_waits` waits for locks were seen during the window, and lasted more than `max_mean_ms` on
average.

## Why it matters
Waiting sessions do nothing and hold connections and locks of their own: throughput falls although the
machine is idle.

## How to fix
Switch `log_lock_waits` on to learn who waits for what. Make transactions shorter, do slow work before
the first update, spread counters that everybody updates, and use `SKIP LOCKED` for queues.

## When to ignore
Jobs that serialise themselves with advisory locks.

## References
PostgreSQL documentation: Explicit Locking; `log_lock_waits`; `deadlock_timeout`.
",
    run: Run::Postgres(run),
};

static MEAN: Threshold = Threshold {
    key: "max_mean_ms",
    unit: Unit::Ms,
    default: 100.0,
    strict: None,
    range: (0.0, 1e7),
    why: "a tenth of a second of waiting is where people begin to notice",
};

static WAITS: Threshold = Threshold {
    key: "min_waits",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e9),
    why: "one wait or two are an event, not an average; a single long one is a blocked session",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let window = pg.window().map_err(|_| Skip::needs_window())?;
    let sampled = window.sampled.as_ref().ok_or_else(Skip::needs_window)?;
    let waits = sampled.lock_waits.waits as f64;
    let name = pg.name();
    if waits < cx.limit_for(&WAITS, name).max(1.0) {
        return Ok(Vec::new());
    }
    let mean = sampled.lock_waits.waited_ms / waits;
    let limit = cx.limit_for(&MEAN, name);
    if mean <= limit {
        return Ok(Vec::new());
    }
    let source = format!("pg_stat_activity, {} looks", sampled.looks);
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", name),
            format!(
                "{} waits for locks within {} lasted {} on average",
                words::count(waits),
                words::seconds(window.seconds),
                words::millis(mean)
            ),
            "Switch log_lock_waits on to learn who waits for what; make transactions shorter.",
        )
        .with(Evidence::new("mean wait", mean, Unit::Ms, source.as_str()).against(limit))
        .with(Evidence::new("waits", waits, Unit::Count, source))
        .with(Evidence::new("window", window.seconds, Unit::Seconds, "two looks"));
    let longest = sampled.lock_waits.longest.first();
    Ok(vec![match longest {
        Some(wait) => found.with(Evidence::new(
            "longest wait",
            wait.waited_ms,
            Unit::Ms,
            format!("{} of session {}", wait.event, wait.pid),
        )),
        None => found,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::window::{Sampled, SampledLockWaits, Window},
    };

    use super::*;
    use crate::testing;

    fn with(samples: Option<(i64, f64)>) -> Snapshot {
        testing::pg(|pg| {
            pg.window = Section::collected(Window {
                seconds: 10.0,
                sampled: samples.map(|(waits, waited_ms)| Sampled {
                    looks: 100,
                    lock_waits: SampledLockWaits { waits, waited_ms, longest: Vec::new() },
                    ..Sampled::default()
                }),
                ..Window::default()
            });
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let found = |waits, ms| testing::findings(&CHECK, &with(Some((waits, ms))));
        assert!(found(3, 300.0).is_empty(), "100 ms exactly");
        assert_eq!(
            found(3, 303.0)[0].message,
            "3 waits for locks within 10 s lasted 101 ms on average"
        );
        assert!(found(2, 9000.0).is_empty());
        assert!(found(0, 0.0).is_empty(), "no waits have no average");
    }

    #[test]
    fn needs_a_window() {
        assert_eq!(testing::skipped(&CHECK, &with(None)), Skip::needs_window());
        let snapshot = testing::pg(|pg| {
            pg.window = Section::unavailable(Reason::NotAsked, "one look");
        });
        assert_eq!(testing::skipped(&CHECK, &snapshot), Skip::needs_window());
    }
}
