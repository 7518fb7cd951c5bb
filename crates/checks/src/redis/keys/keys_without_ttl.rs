//! Families of keys in a cache that never expire.

use dbvitals_model::{
    Evidence, Severity, Unit,
    redis::{KeyPattern, KeySample},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{
        keys::sample::{self, MIN_SAMPLED},
        role::{Kind, role},
    },
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// Keys without a time to live, by pattern, on a cache.
pub static CHECK: Check = Check {
    id: "redis-keys-without-ttl",
    title: "Keys of a cache never expire",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info", "key_sample"],
    uses: &[],
    thresholds: &[&SHARE, &MIN_KEYS, &MIN_MEMORY, &MIN_SAMPLED],
    fix: None,
    explain: "\
## What it detects
On a cache: keys of one pattern of which more than `without_ttl_ratio` have no time to live, when the pattern
has more than `min_keys` or takes more than `min_memory_ratio` of the memory. It rests on a bounded sample, of
which at least `min_sampled_count` keys must be of the pattern. Where any key may be evicted (`allkeys-*` with a
limit) it is only information.

## Why it matters
What never expires stays: stale answers, and memory that only eviction gets back.

## How to fix
Set a time to live with the value (`SET key value EX seconds`), and note that a plain `SET` removes an old one.
Give existing keys one with `EXPIRE`, from a client that walks them with `SCAN`.

## When to ignore
Small reference data that is refreshed in place.

## References
Redis documentation: EXPIRE; Key eviction.
",
    run: Run::Redis(run),
};

static SHARE: Threshold = Threshold {
    key: "without_ttl_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.0, 1.0),
    why: "nearly all of them: the writer never sets a time to live",
};

static MIN_KEYS: Threshold = Threshold {
    key: "min_keys",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "fewer keys cost little, unless they are large",
};

static MIN_MEMORY: Threshold = Threshold {
    key: "min_memory_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 1.0),
    why: "a twentieth of the memory is worth having back, however few keys hold it",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, sample) = (redis.info(), redis.key_sample());
    let (info, sample) = (info?, sample?);
    let role = role(redis, info);
    if role.kind != Kind::Cache {
        return Err(Skip::not_applicable(format!("not known to be a cache: {}", role.why)));
    }
    if let Some(skip) = sample::refusal(redis, &["PTTL"]) {
        return Err(skip);
    }
    let is_limited = info.number("maxmemory").is_some_and(|limit| limit > 0.0);
    let evicts_any = is_limited
        && info.text("maxmemory_policy").is_some_and(|policy| policy.starts_with("allkeys-"));
    let severity = if evicts_any { Severity::Info } else { Severity::Warning };
    let judge = |pattern| judge(cx, sample, pattern, severity, &role.why);
    Ok(sample.patterns.iter().filter_map(judge).collect())
}

fn judge(
    cx: &Context<'_>,
    sample: &KeySample,
    pattern: &KeyPattern,
    severity: Severity,
    purpose: &str,
) -> Option<dbvitals_model::Finding> {
    let (name, looked_at) = (&pattern.pattern, pattern.keys as f64);
    if looked_at < cx.limit_for(&MIN_SAMPLED, name).max(1.0) {
        return None;
    }
    let share = pattern.without_ttl as f64 / looked_at;
    let keys = sample::keys_of(sample, pattern);
    let memory = sample::memory_ratio(sample, pattern);
    let is_large = keys > cx.limit_for(&MIN_KEYS, name) || memory > cx.limit_for(&MIN_MEMORY, name);
    if share <= cx.limit_for(&SHARE, name) || !is_large {
        return None;
    }
    let finding = cx
        .finding(
            severity,
            sample::subject(pattern),
            format!(
                "{} of {}{} keys {name} have no time to live",
                words::percent(share),
                sample::about(sample),
                words::count(keys)
            ),
            "Set a time to live when writing them, and give those that exist one.",
        )
        .with(
            Evidence::new("without a time to live", share, Unit::Ratio, "PTTL of the sample")
                .against(cx.limit_for(&SHARE, name)),
        )
        .with(
            Evidence::new("keys, estimated", keys, Unit::Count, "sample, scaled up")
                .against(cx.limit_for(&MIN_KEYS, name)),
        )
        .with(
            Evidence::new("share of memory", memory, Unit::Ratio, "MEMORY USAGE of the sample")
                .against(cx.limit_for(&MIN_MEMORY, name)),
        )
        .with(Evidence::new("purpose", purpose, Unit::Text, "inferred or told"));
    Some(sample::resting_on(finding, sample, pattern))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, edited, only, severity, told},
        testing::{self, edit},
    };

    fn with(keys: i64, without_ttl: i64, memory: i64, is_cache: Option<bool>) -> Snapshot {
        let snapshot = built_with(&[], &[], |redis| {
            let pattern = |pattern: &str, keys, without_ttl, memory_bytes| KeyPattern {
                pattern: pattern.into(),
                keys,
                without_ttl,
                memory_bytes,
                ..KeyPattern::default()
            };
            *edit(&mut redis.key_sample) = KeySample {
                sampled: 1000,
                total: 10_000,
                patterns: vec![
                    pattern("user:*", keys, without_ttl, memory),
                    pattern("session:*", 500, 0, 10_000 - memory),
                ],
                ..KeySample::default()
            };
        });
        told(snapshot, is_cache)
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |keys, without, memory| severity(&CHECK, &with(keys, without, memory, Some(true)));
        assert_eq!(of(200, 190, 0), None);
        assert_eq!(of(200, 191, 0), Some(Severity::Warning));
        assert_eq!(of(100, 100, 0), None, "1000 keys, and next to no memory");
        assert_eq!(of(101, 101, 0), Some(Severity::Warning));
        assert_eq!(of(100, 100, 500), None);
        assert_eq!(of(100, 100, 501), Some(Severity::Warning), "few, but large");
        assert_eq!(of(29, 29, 9000), None, "too few looked at");
        assert_eq!(of(30, 30, 9000), Some(Severity::Warning));
    }

    #[test]
    fn says_that_it_is_a_sample_and_names_the_pattern() {
        let found = only(&CHECK, &with(200, 200, 0, Some(true)));
        assert_eq!(found.message, "100 % of about 2,000 keys user:* have no time to live");
        assert_eq!(found.subject.database.as_deref(), Some("0"));
        assert!(found.evidence.iter().any(|e| e.source == "SCAN of a bounded sample"));
    }

    #[test]
    fn a_store_keeps_its_keys_and_eviction_makes_it_mild() {
        assert!(!testing::skipped(&CHECK, &with(200, 200, 0, Some(false))).is_gap());
        assert!(!testing::skipped(&CHECK, &with(200, 200, 0, None)).is_gap());
        let evicting = edited(with(200, 200, 0, Some(true)), |redis| {
            let fields = &mut edit(&mut redis.info).fields;
            fields.insert("maxmemory".into(), "1000".into());
            fields.insert("maxmemory_policy".into(), "allkeys-lru".into());
        });
        assert_eq!(severity(&CHECK, &evicting), Some(Severity::Info));
    }
}
