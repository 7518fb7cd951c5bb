//! Standstills the latency monitor saw.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::counted::RECENT,
    skip::Judged,
    view::RedisView,
    words,
};

/// `LATENCY LATEST`, by class of event.
pub static CHECK: Check = Check {
    id: "redis-latency-event",
    title: "Standstill seen by the latency monitor",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["latency"],
    uses: &[],
    thresholds: &[&LATENCY, &RECENT],
    fix: None,
    explain: "\
## What it detects
A class of latency event whose last occurrence lies within `recent_seconds` and whose worst took `latency_ms` or
more. Forks have a check of their own.

## Why it matters
During such an event no client is served. The class says what the server was doing: a command, expiring or evicting
keys, writing the append-only file, waiting for the disk.

## How to fix
By class; the recommendation says which.

## When to ignore
Single events at start or during maintenance.

## References
Redis documentation: Latency monitoring; Diagnosing latency issues.
",
    run: Run::Redis(run),
};

static LATENCY: Threshold = Threshold {
    key: "latency_ms",
    unit: Unit::Ms,
    default: 10.0,
    strict: None,
    range: (1.0, 1e6),
    why: "the length from which a single command counts as slow, too",
};

/// What to do about a class of event (names as the server gives them).
const ADVICE: &[(&str, &str)] = &[
    (
        "active-defrag-cycle",
        "Lower active-defrag-cycle-max, so that each step of defragmentation is shorter.",
    ),
    ("aof-fstat", "The disk answers late: move the append-only file to a faster or quieter one."),
    ("aof-fsync-always", "Use appendfsync everysec, or a disk that confirms writes faster."),
    ("aof-rename", "The file system is slow at renaming: move the data to a faster disk."),
    (
        "aof-write",
        "The disk is too slow or shared: move the append-only file to a faster or quieter one.",
    ),
    (
        "aof-write-active-child",
        "A snapshot or rewrite competes for the disk: give them room, or set \
     no-appendfsync-on-rewrite yes and accept losing some seconds in a crash.",
    ),
    (
        "aof-write-alone",
        "The disk is too slow or shared: move the append-only file to a faster or quieter one.",
    ),
    (
        "aof-write-pending-fsync",
        "The last sync is still under way when the next write comes: use a faster disk.",
    ),
    ("command", "Find the commands in the slow log; they do too much at once."),
    (
        "eviction-cycle",
        "Raise maxmemory or write less at once; enable lazyfree-lazy-eviction for large values.",
    ),
    ("eviction-del", "Evicted values are large: enable lazyfree-lazy-eviction."),
    (
        "expire-cycle",
        "Many keys expire at once: spread times to live, and enable lazyfree-lazy-expire for \
     large values.",
    ),
    ("expire-del", "Expired values are large: enable lazyfree-lazy-expire."),
    (
        "fast-command",
        "Even constant-time commands were slow: look at the machine (CPU taken away by others, \
     swapping, transparent huge pages).",
    ),
    (
        "rdb-unlink-temp-file",
        "Deleting a large file takes long: use a file system with quick deletes.",
    ),
    ("rename", "The file system is slow at renaming: move the data to a faster disk."),
];

/// What to do about a class of event, if it is known.
pub(crate) fn advice(event: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(class, _)| *class == event).map(|(_, advice)| *advice)
}

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let events = redis.latency()?;
    let recent = cx.limit(&RECENT);
    let mut found = Vec::new();
    for event in events.iter().filter(|event| event.event != "fork") {
        let (name, worst) = (event.event.as_str(), event.max_ms.max(event.latest_ms));
        let limit = cx.limit_for(&LATENCY, name);
        let age = redis.seconds_since(event.at);
        if (worst as f64) < limit || age.is_some_and(|age| age > recent) {
            continue;
        }
        let mut finding = cx
            .finding(
                Severity::Warning,
                Subject::new("event", name),
                format!("{name} stopped the server for up to {}", words::millis(worst as f64)),
                advice(name).unwrap_or("Look at the history of the event with LATENCY HISTORY."),
            )
            .with(Evidence::new("worst", worst, Unit::Ms, "LATENCY LATEST").against(limit))
            .with(Evidence::new("latest", event.latest_ms, Unit::Ms, "LATENCY LATEST"));
        if let Some(age) = age {
            let since = Evidence::new("last seen", age, Unit::Seconds, "LATENCY LATEST");
            finding = finding.with(since.against(recent));
        }
        found.push(finding);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::LatencyEvent};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::{ago, edit},
    };

    fn with(event: &str, max_ms: i64, age: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            let event = LatencyEvent { event: event.into(), at: ago(age), latest_ms: 1, max_ms };
            *edit(&mut redis.latency) = vec![event];
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(&CHECK, &with("command", 9, 5)), None);
        assert_eq!(severity(&CHECK, &with("command", 10, 5)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("command", 900, 86_400)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("command", 900, 86_401)), None);
    }

    #[test]
    fn advice_is_by_class_and_forks_are_another_check_s() {
        assert!(ADVICE.is_sorted());
        let found = only(&CHECK, &with("expire-cycle", 30, 5));
        assert!(found.recommendation.starts_with("Many keys expire at once"));
        assert_eq!(severity(&CHECK, &with("fork", 900, 5)), None);
        assert!(only(&CHECK, &with("new-one", 30, 5)).recommendation.contains("LATENCY HISTORY"));
    }
}
