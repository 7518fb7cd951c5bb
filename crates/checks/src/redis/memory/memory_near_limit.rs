//! Memory close to `maxmemory`.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::RedisView,
};

/// `used_memory` against `maxmemory`.
pub static CHECK: Check = Check {
    id: "redis-memory-near-limit",
    title: "Memory near its limit",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
`used_memory` at or above `warning_ratio` (or `critical_ratio`) of `maxmemory`.

## Why it matters
At the limit Redis evicts keys or, under `noeviction`, refuses writes.

## How to fix
Give keys a time to live, remove large ones, or raise `maxmemory` if the machine has room for it and
for the copy a fork makes.

## When to ignore
A pure cache with an allkeys policy is meant to run full; watch its hit ratio instead.

## References
Redis documentation: Key eviction.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.1, 1.0),
    why: "leaves a fifth for growth until somebody looks",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.1, 1.0),
    why: "client buffers alone can take the last twentieth",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    let read = |name: &str| {
        info.number(name).ok_or_else(|| Skip::not_applicable(format!("INFO has no {name}")))
    };
    let (used, max) = (read("used_memory")?, read("maxmemory")?);
    if max <= 0.0 {
        return Err(Skip::not_applicable("maxmemory is not set"));
    }
    let Some(severity) = cx.above(used / max, &WARNING, &CRITICAL, redis.name()) else {
        return Ok(Vec::new());
    };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let finding = cx
        .finding(
            severity,
            Subject::new("server", redis.name()),
            format!("{:.0} % of maxmemory is used", used / max * 100.0),
            "Expire or remove keys, or raise maxmemory within what the machine can hold.",
        )
        .with(
            Evidence::new("share of maxmemory", used / max, Unit::Ratio, "INFO memory")
                .against(cx.limit_for(threshold, redis.name())),
        )
        .with(Evidence::new("used_memory", used, Unit::Bytes, "INFO memory"))
        .with(Evidence::new("maxmemory", max, Unit::Bytes, "INFO memory"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::testing::{self, edit};

    fn with(used: &str, max: &str) -> Snapshot {
        testing::redis(|redis| {
            let fields = &mut edit(&mut redis.info).fields;
            fields.insert("used_memory".into(), used.into());
            fields.insert("maxmemory".into(), max.into());
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity =
            |used| testing::findings(&CHECK, &with(used, "1000")).first().map(|f| f.severity);
        assert_eq!(severity("799"), None);
        assert_eq!(severity("800"), Some(Severity::Warning));
        assert_eq!(severity("949"), Some(Severity::Warning));
        assert_eq!(severity("950"), Some(Severity::Critical));
    }

    #[test]
    fn no_limit_is_another_check_s_business() {
        assert!(!testing::skipped(&CHECK, &with("5", "0")).is_gap());
    }
}
