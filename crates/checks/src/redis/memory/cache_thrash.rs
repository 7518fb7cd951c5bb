//! A cache that loses what it is asked for next.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{facts, memory::write_commands},
    skip::Judged,
    view::RedisView,
    words,
};

/// Evictions and misses of one window together.
pub static CHECK: Check = Check {
    id: "redis-cache-thrash",
    title: "Cache thrashes",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info", "window"],
    uses: &[],
    thresholds: &[&EVICTED, &HITS, &MIN_LOOKUPS],
    fix: None,
    explain: "\
## What it detects
In one window: keys were evicted for more than `evicted_ratio` of writes, *and* fewer than `hit_ratio` of at least
`min_lookups` lookups found their key. A full cache that answers well is fine; so is a cold one with room to grow.

## Why it matters
What is evicted is asked for again: each miss is computed, written, and pushes out the next. The cache costs more than it
saves, and the database behind it gets the whole load.

## How to fix
Give it the memory its working set needs, or keep less: smaller values, shorter times to live, and only what is asked for
again. `allkeys-lfu` keeps what is asked for often from what is read once.

## When to ignore
While a cache is warmed with more than it can hold.

## References
Redis documentation: Key eviction.
",
    run: Run::Redis(run),
};

static EVICTED: Threshold = Threshold {
    key: "evicted_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 1.0),
    why: "one key lost for every twenty written: the limit, not expiry, decides what stays",
};

static HITS: Threshold = Threshold {
    key: "hit_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.01, 1.0),
    why: "a cache that misses every fifth lookup no longer shields what is behind it",
};

static MIN_LOOKUPS: Threshold = Threshold {
    key: "min_lookups",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "fewer lookups are no pattern",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info(), facts::window(redis));
    let (info, window) = (info?, window?);
    let counter = |name: &str| window.counters.get(name).map(|count| *count as f64);
    let (Some(evicted), Some(hits), Some(misses)) =
        (counter("evicted_keys"), counter("keyspace_hits"), counter("keyspace_misses"))
    else {
        return Ok(Vec::new());
    };
    let (lookups, writes) = (hits + misses, write_commands::calls(&window.commands));
    let name = redis.name();
    let least = cx.limit_for(&MIN_LOOKUPS, name);
    if lookups < least.max(1.0) || evicted <= 0.0 || writes <= 0.0 {
        return Ok(Vec::new());
    }
    let (lost, hit) = (evicted / writes, hits / lookups);
    let (most, wanted) = (cx.limit_for(&EVICTED, name), cx.limit_for(&HITS, name));
    if lost <= most || hit >= wanted {
        return Ok(Vec::new());
    }
    let source = "INFO stats, over the window";
    let mut finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "{} of lookups miss while {} keys are evicted: it loses what it is asked for next",
                words::percent(1.0 - hit),
                words::count(evicted)
            ),
            "Give it the memory its working set needs, or keep less: smaller values, shorter times to live.",
        )
        .with(Evidence::new("hit ratio", hit, Unit::Ratio, source).against(wanted))
        .with(Evidence::new("evicted, share of writes", lost, Unit::Ratio, source).against(most))
        .with(Evidence::new("lookups", lookups, Unit::Count, source).against(least))
        .with(Evidence::new("window", window.seconds, Unit::Seconds, "two looks"));
    for field in ["maxmemory", "used_memory"] {
        if let Some(bytes) = info.number(field) {
            finding = finding.with(Evidence::new(field, bytes, Unit::Bytes, "INFO memory"));
        }
    }
    if let Some(policy) = info.text("maxmemory_policy") {
        finding = finding.with(Evidence::new("policy", policy, Unit::Text, "INFO memory"));
    }
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::CommandStat};

    use super::*;
    use crate::{
        redis::fixture::{built, built_with, severity, window},
        testing::{self, edit},
    };

    fn with(evicted: i64, hits: i64, misses: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            let counters =
                [("evicted_keys", evicted), ("keyspace_hits", hits), ("keyspace_misses", misses)];
            window(redis, &counters);
            let set = CommandStat { name: "set".into(), calls: 1000, ..CommandStat::default() };
            edit(&mut redis.window).commands = vec![set];
        })
    }

    #[test]
    fn both_must_be_bad() {
        assert_eq!(severity(&CHECK, &with(51, 799, 201)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(50, 799, 201)), None, "few are evicted");
        assert_eq!(severity(&CHECK, &with(51, 800, 200)), None, "a full cache that answers");
        assert_eq!(severity(&CHECK, &with(0, 0, 5000)), None, "cold, with room to grow");
        assert_eq!(severity(&CHECK, &with(900, 0, 999)), None, "hardly used");
    }

    #[test]
    fn needs_two_looks() {
        let skip = testing::skipped(&CHECK, &built(&[], &[]));
        assert_eq!(skip.0.remedy.as_deref(), Some("run with --interval 10s"));
    }
}
