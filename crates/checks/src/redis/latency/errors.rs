//! Errors the server answered.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::counted::{Counted, RECENT, since_start},
    skip::Judged,
    view::RedisView,
    words,
};

/// `INFO errorstats` of the kinds that mean trouble.
pub static CHECK: Check = Check {
    id: "redis-errors",
    title: "Errors that mean trouble",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&MIN_STRAY, &RECENT],
    fix: None,
    explain: "\
## What it detects
Answers of the kinds `OOM`, `MISCONF`, `NOAUTH`, `WRONGPASS`, `BUSY`, `LOADING`, `MASTERDOWN`, `READONLY`, `NOREPLICAS`,
`CLUSTERDOWN` and `CROSSSLOT`, in a window, or since the start: then as information when that is longer ago than
`recent_seconds`. Of `NOAUTH`, `WRONGPASS`, `LOADING` and `READONLY` it takes `min_stray`. Kinds that belong to normal work (`MOVED`, `NOSCRIPT` …) and denials by ACL, which have a check of
their own, are left out.

## Why it matters
Each is a command an application lost, for a reason that does not go away by itself.

## How to fix
By kind; the recommendation says which.

## When to ignore
`LOADING` at a restart, `READONLY` at a failover.

## References
Redis documentation: INFO, section errorstats.
",
    run: Run::Redis(run),
};

static MIN_STRAY: Threshold = Threshold {
    key: "min_stray",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a probe that does not log in, a typing error, a client that came too early: single ones say nothing",
};

/// Kinds that a single stray client gives on a healthy server.
const STRAY: &[&str] = &["LOADING", "NOAUTH", "READONLY", "WRONGPASS"];

/// Kinds of errors that mean trouble, and what to do about them.
const TROUBLE: &[(&str, &str)] = &[
    ("BUSY", "A script runs too long: bound its loops. SCRIPT KILL ends one that has not written."),
    ("CLUSTERDOWN", "Slots have no node: look at CLUSTER NODES and bring the missing ones back."),
    ("CROSSSLOT", "A command touches keys of several slots: give them a common {hash tag}."),
    ("LOADING", "Clients came before the data were loaded: let them wait for it after a restart."),
    ("MASTERDOWN", "A replica was asked while it had no primary: look at the replication link."),
    ("MISCONF", "Writes are refused because a snapshot failed: find out why it cannot be written."),
    ("NOAUTH", "Clients do not log in: give them the password, and find out who they are."),
    ("NOREPLICAS", "Writes are refused because too few replicas keep up: look at the replicas."),
    (
        "OOM",
        "Writes are refused because memory is full: raise maxmemory, remove keys, or let it evict.",
    ),
    ("READONLY", "Clients write to a replica: point them at the primary."),
    ("WRONGPASS", "Clients log in with a wrong password: correct it, and find out who they are."),
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    let errors = window.map_or(&info.errors, |window| &window.errors);
    let mut found = Vec::new();
    for (kind, advice) in TROUBLE {
        let Some(count) = errors.get(*kind).filter(|count| **count > 0) else { continue };
        let count = *count as f64;
        let least = if STRAY.contains(kind) { cx.limit_for(&MIN_STRAY, kind) } else { 1.0 };
        if count < least {
            continue;
        }
        let counted = match window {
            Some(window) => Some(Counted { count, seconds: window.seconds, in_window: true }),
            None => since_start(redis, count),
        };
        let Some(counted) = counted else { continue };
        let finding = cx
            .finding(
                counted.severity(Severity::Warning, cx),
                Subject::new("error", *kind),
                format!(
                    "{} command(s) were answered with {kind} {}",
                    words::count(count),
                    counted.when()
                ),
                *advice,
            )
            .with(
                Evidence::new("errors", count, Unit::Count, counted.source("INFO errorstats"))
                    .against(least),
            )
            .with(Evidence::new("per second", counted.per_second(), Unit::PerSecond, "INFO"))
            .with(counted.age());
        found.push(finding);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity, window},
        testing::edit,
    };

    fn with(kind: &str, uptime: i64, in_window: Option<i64>) -> Snapshot {
        built_with(&[], &[], |redis| {
            redis.server.uptime_seconds = uptime;
            edit(&mut redis.info).errors = BTreeMap::from([(kind.to_owned(), 7)]);
            if let Some(count) = in_window {
                window(redis, &[]);
                edit(&mut redis.window).errors = BTreeMap::from([(kind.to_owned(), count)]);
            }
        })
    }

    #[test]
    fn a_recent_error_is_a_warning_an_old_one_information() {
        assert_eq!(severity(&CHECK, &with("OOM", 86_400, None)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("OOM", 86_401, None)), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("OOM", 86_401, Some(1))), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("OOM", 60, Some(0))), None, "none in the window");
    }

    #[test]
    fn a_few_strangers_at_the_door_are_no_news() {
        assert_eq!(severity(&CHECK, &with("NOAUTH", 60, Some(9))), None);
        assert_eq!(severity(&CHECK, &with("NOAUTH", 60, Some(10))), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("LOADING", 60, None)), None, "7 since the start");
    }

    #[test]
    fn normal_answers_are_silent() {
        assert!(TROUBLE.is_sorted());
        for kind in ["MOVED", "ASK", "NOSCRIPT", "ERR", "WRONGTYPE", "NOPERM", "BUSYGROUP"] {
            assert_eq!(severity(&CHECK, &with(kind, 60, Some(9))), None, "{kind}");
        }
    }

    #[test]
    fn says_how_many_and_when() {
        let found = only(&CHECK, &with("MISCONF", 60, Some(3)));
        assert_eq!(found.message, "3 command(s) were answered with MISCONF in 10 s");
        assert_eq!(found.key, "redis-errors@cache/error:MISCONF");
    }
}
