//! A cache that often does not have what it is asked for.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{
        facts,
        role::{Kind, role},
    },
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `keyspace_hits` against all lookups of a window.
pub static CHECK: Check = Check {
    id: "redis-low-hit-ratio",
    title: "Low hit ratio",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info", "window"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL, &MIN_LOOKUPS],
    fix: None,
    explain: "\
## What it detects
Less than `warning_ratio` (or `critical_ratio`, on a cache) of the lookups in the window found their key,
among at least `min_lookups`. Lifetime counters are never used: they mix this hour with last year.

## Why it matters
Each miss is work for what stands behind the cache, and the reader pays for both.

## How to fix
If keys are evicted: more memory, or less per key. If they expire: longer times to live. If they were never
written: look for keys whose names do not repeat, and for readers that ask before anything is written.

## When to ignore
Servers asked for what mostly is not there: locks, deduplication, rate limits. Say `is_cache = false` for them.

## References
Redis documentation: INFO, section stats.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.0, 1.0),
    why: "at one miss in twenty a database behind sees the misses as its main load",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "a cache that misses every other time costs more than it saves",
};

static MIN_LOOKUPS: Threshold = Threshold {
    key: "min_lookups",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "few lookups give a ratio of chance, and cost nothing anyway",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info(), facts::window(redis));
    let (info, window) = (info?, window?);
    let grown = |name: &str| {
        let count = window.counters.get(name).map(|count| *count as f64);
        count.ok_or_else(|| Skip::not_applicable(format!("{name} was reset within the window")))
    };
    let (hits, misses) = (grown("keyspace_hits")?, grown("keyspace_misses")?);
    let role = role(redis, info);
    if role.kind == Kind::Store && role.is_told {
        return Err(Skip::not_applicable("not a cache: asking for what is not there is no miss"));
    }
    let (name, lookups) = (redis.name(), hits + misses);
    if lookups < cx.limit_for(&MIN_LOOKUPS, name).max(1.0) {
        return Ok(Vec::new());
    }
    let ratio = hits / lookups;
    let Some(severity) = cx.below(ratio, &WARNING, &CRITICAL, name) else { return Ok(Vec::new()) };
    // What is not known to be a cache may be asked for absent keys on purpose.
    let severity = if role.kind == Kind::Cache { severity } else { Severity::Warning };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let lost = |name: &str| window.counters.get(name).copied().unwrap_or(0);
    let source = "INFO stats, over the window";
    let finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!(
                "{} of {} lookups in {} found their key",
                words::percent(ratio),
                words::count(lookups),
                words::seconds(window.seconds)
            ),
            "See whether keys are evicted (more memory), expire too early (longer times to live), or \
             were never written (names that do not repeat).",
        )
        .with(
            Evidence::new("hit ratio", ratio, Unit::Ratio, source)
                .against(cx.limit_for(threshold, name)),
        )
        .with(
            Evidence::new("lookups", lookups, Unit::Count, source)
                .against(cx.limit_for(&MIN_LOOKUPS, name)),
        )
        .with(Evidence::new("evicted keys", lost("evicted_keys"), Unit::Count, source))
        .with(Evidence::new("expired keys", lost("expired_keys"), Unit::Count, source))
        .with(Evidence::new("window", window.seconds, Unit::Seconds, "two looks"))
        .with(Evidence::new("purpose", role.why, Unit::Text, "inferred or told"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, built_with, severity, told, window},
        testing,
    };

    fn with(hits: i64, misses: i64, is_cache: Option<bool>) -> Snapshot {
        let lifetime = [("keyspace_hits", "1"), ("keyspace_misses", "999999999")];
        let grown = [("keyspace_hits", hits), ("keyspace_misses", misses)];
        told(built_with(&lifetime, &[], |redis| window(redis, &grown)), is_cache)
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |hits, misses| severity(&CHECK, &with(hits, misses, Some(true)));
        assert_eq!(of(9500, 500), None);
        assert_eq!(of(9499, 501), Some(Severity::Warning));
        assert_eq!(of(5000, 5000), Some(Severity::Warning));
        assert_eq!(of(4999, 5001), Some(Severity::Critical));
        assert_eq!(of(0, 9999), None, "too few lookups");
        assert_eq!(of(0, 0), None, "no reads are no ratio");
    }

    #[test]
    fn only_a_known_cache_can_be_critical_and_a_store_is_not_judged() {
        assert_eq!(severity(&CHECK, &with(1, 99_999, None)), Some(Severity::Warning));
        let store = with(1, 99_999, Some(false));
        assert!(!testing::skipped(&CHECK, &store).is_gap());
    }

    #[test]
    fn a_lifetime_ratio_is_not_a_window_s() {
        let lifetime = [("keyspace_hits", "1"), ("keyspace_misses", "999999999")];
        assert_eq!(testing::skipped(&CHECK, &built(&lifetime, &[])), Skip::needs_window());
    }
}
