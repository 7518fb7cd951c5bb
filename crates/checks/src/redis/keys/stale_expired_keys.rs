//! Keys that have expired and still take memory.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// `expired_stale_perc`: the server's own estimate.
pub static CHECK: Check = Check {
    id: "redis-stale-expired-keys",
    title: "Expired keys are not removed in time",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[&WARNING, &CRITICAL, &MIN_EXPIRING],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
The server's own estimate of keys that expired but were not removed yet: `warning_ratio` (or `critical_ratio`) of
the keys with a time to live, of which there are at least `min_expiring_keys`.

## Why it matters
They hold memory, count as keys, and may cause evictions of keys that are still wanted. The server spends
only a bounded share of its time on removing them.

## How to fix
Raise `active-expire-effort` (1 to 10), which spends more CPU on it, and spread times to live so that not all end
at once.

## When to ignore
For minutes after many keys expired together.

## References
Redis documentation: EXPIRE, How Redis expires keys; `active-expire-effort` in redis.conf.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "the server itself aims at less than a tenth",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.25,
    strict: None,
    range: (0.0, 1.0),
    why: "a quarter dead weight: expiry does not keep up",
};

static MIN_EXPIRING: Threshold = Threshold {
    key: "min_expiring_keys",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "the estimate comes from small samples, and few keys hold little",
};

/// What `active-expire-effort` is raised by.
const STEP: i64 = 3;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let stale = facts::number(info, "expired_stale_perc")? / 100.0;
    let (_, expiring) = facts::keys(info);
    let name = redis.name();
    if expiring < cx.limit_for(&MIN_EXPIRING, name) {
        return Ok(Vec::new());
    }
    let Some(severity) = cx.above(stale, &WARNING, &CRITICAL, name) else { return Ok(Vec::new()) };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!(
                "about {} of {} expiring keys have expired and still take memory",
                words::percent(stale),
                words::count(expiring)
            ),
            "Raise active-expire-effort, and spread times to live so that not all end at once.",
        )
        .with(
            Evidence::new("expired, not removed", stale, Unit::Ratio, "INFO stats")
                .against(cx.limit_for(threshold, name)),
        )
        .with(
            Evidence::new("keys with a time to live", expiring, Unit::Count, "INFO keyspace")
                .against(cx.limit_for(&MIN_EXPIRING, name)),
        );
    let effort = config.and_then(|config| config.int("active-expire-effort")).unwrap_or(1);
    if !(1..10).contains(&effort) {
        return Ok(vec![finding]);
    }
    let wanted = (effort + STEP).min(10).to_string();
    let changes = [("active-expire-effort", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Keyspace};

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, only, severity},
        testing::edit,
    };

    fn with(stale: &str, expires: i64, effort: &str) -> Snapshot {
        let config = [("active-expire-effort", effort)];
        built_with(&[("expired_stale_perc", stale)], &config, |redis| {
            let keyspace = Keyspace { keys: expires, expires, ..Keyspace::default() };
            edit(&mut redis.info).keyspace = vec![keyspace];
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(severity(&CHECK, &with("9.99", 1000, "1")), None);
        assert_eq!(severity(&CHECK, &with("10.00", 1000, "1")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("24.99", 1000, "1")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("25.00", 1000, "1")), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("25.00", 999, "1")), None);
    }

    #[test]
    fn the_effort_is_raised_up_to_its_end() {
        let (statements, undo) = fix(&CHECK, &with("25", 5000, "1"));
        assert_eq!(statements, ["CONFIG SET active-expire-effort 4", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET active-expire-effort 1", "CONFIG REWRITE"]);
        assert_eq!(fix(&CHECK, &with("25", 5000, "9")).0[0], "CONFIG SET active-expire-effort 10");
        assert!(only(&CHECK, &with("25", 5000, "10")).fix.is_none());
    }
}
