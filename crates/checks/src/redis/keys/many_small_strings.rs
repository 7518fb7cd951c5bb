//! Many tiny strings that could live in hashes.

use dbvitals_model::{
    Evidence, Finding, Severity, Unit,
    redis::{KeyPattern, KeySample},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::keys::sample::{self, MIN_SAMPLED},
    skip::Judged,
    view::RedisView,
    words,
};

/// Number and size of strings, by pattern.
pub static CHECK: Check = Check {
    id: "redis-many-small-strings",
    title: "Many small strings",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["key_sample"],
    uses: &[],
    thresholds: &[&MIN_KEYS, &SIZE, &MIN_SAMPLED],
    fix: None,
    explain: "\
## What it detects
A pattern of at least `min_keys` strings that take less than `size_bytes` each and do not expire. It rests on a
bounded sample with at least `min_sampled_count` keys of the pattern.

## Why it matters
Each key of its own costs a place in the key table, an object and a name, some fifty bytes beside the value. As a
field of a small hash, stored as one packed list, it costs a few.

## How to fix
Gather keys that share a prefix into hashes of up to `hash-max-listpack-entries` fields: `user:1234:name` becomes
field `34:name` of `user:12`.

## When to ignore
Keys that need a time to live of their own (fields have one only from 7.4 on), or that are written by several
applications.

## References
Redis documentation: Memory optimization, Using hashes to abstract a very memory-efficient plain key-value store.
",
    run: Run::Redis(run),
};

static MIN_KEYS: Threshold = Threshold {
    key: "min_keys",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a hundred thousand keys give back some five megabytes; fewer are not worth a change",
};

static SIZE: Threshold = Threshold {
    key: "size_bytes",
    unit: Unit::Bytes,
    default: 200.0,
    strict: None,
    range: (16.0, 1e6),
    why: "beside larger values the fixed cost of a key is small",
};

/// Share of a pattern's keys that must be strings without a time to live.
const NEARLY_ALL: f64 = 0.95;

/// Bytes a key of its own costs beside name and value: entry and bucket of the key table, object.
const COST_OF_A_KEY: f64 = 48.0;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let seen = sample::knowing(redis, &["MEMORY USAGE", "PTTL", "TYPE"])?;
    Ok(seen.patterns.iter().filter_map(|pattern| judge(cx, seen, pattern)).collect())
}

fn judge(cx: &Context<'_>, seen: &KeySample, pattern: &KeyPattern) -> Option<Finding> {
    let (name, looked_at) = (&pattern.pattern, pattern.keys as f64);
    if looked_at < cx.limit_for(&MIN_SAMPLED, name).max(1.0) {
        return None;
    }
    let strings = pattern.types.get("string").copied().unwrap_or(0) as f64;
    let fits = strings.min(pattern.without_ttl as f64) / looked_at >= NEARLY_ALL;
    let (keys, size) = (sample::keys_of(seen, pattern), pattern.memory_bytes as f64 / looked_at);
    if !fits || size >= cx.limit_for(&SIZE, name) || keys < cx.limit_for(&MIN_KEYS, name) {
        return None;
    }
    let saved = keys * COST_OF_A_KEY;
    let finding = cx
        .finding(
            Severity::Info,
            sample::subject(pattern),
            format!(
                "{}{} strings {name} take {size:.0} bytes each",
                sample::about(seen),
                words::count(keys)
            ),
            "Gather them in hashes that are small enough to be stored packed.",
        )
        .with(
            Evidence::new("keys, estimated", keys, Unit::Count, "sample, scaled up")
                .against(cx.limit_for(&MIN_KEYS, name)),
        )
        .with(
            Evidence::new("average size", size, Unit::Bytes, "MEMORY USAGE of the sample")
                .against(cx.limit_for(&SIZE, name)),
        )
        .with(Evidence::new("saved, estimated", saved, Unit::Bytes, "48 bytes a key"))
        .promising(format!("saves about {}", words::bytes(saved)));
    Some(sample::resting_on(finding, seen, pattern))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::edit,
    };

    fn with(keys: i64, memory: i64, without_ttl: i64, total: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            let pattern = KeyPattern {
                pattern: "flag:*".into(),
                keys,
                memory_bytes: memory,
                without_ttl,
                types: BTreeMap::from([("string".into(), keys)]),
                ..Default::default()
            };
            *edit(&mut redis.key_sample) =
                KeySample { sampled: 1000, total, patterns: vec![pattern], ..Default::default() };
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |keys, memory, total| severity(&CHECK, &with(keys, memory, keys, total));
        assert_eq!(of(1000, 199_999, 100_000), Some(Severity::Info));
        assert_eq!(of(1000, 200_000, 100_000), None);
        assert_eq!(of(1000, 100_000, 99_999), None);
        assert_eq!(of(29, 2900, 90_000_000), None, "too few looked at");
        assert_eq!(of(30, 2900, 90_000_000), Some(Severity::Info));
    }

    #[test]
    fn keys_that_expire_and_other_types_stay() {
        assert_eq!(severity(&CHECK, &with(1000, 90_000, 949, 1_000_000)), None);
        assert_eq!(severity(&CHECK, &with(1000, 90_000, 950, 1_000_000)), Some(Severity::Info));
        let found = only(&CHECK, &with(1000, 90_000, 1000, 1_000_000));
        assert_eq!(found.message, "about 1,000,000 strings flag:* take 90 bytes each");
        assert_eq!(found.impact.unwrap(), "saves about 46 MB");
    }
}
