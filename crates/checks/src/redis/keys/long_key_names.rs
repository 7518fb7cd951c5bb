//! Key names that take a good part of the memory.

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

/// Average length of names, by pattern.
pub static CHECK: Check = Check {
    id: "redis-long-key-names",
    title: "Long key names",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["key_sample"],
    uses: &[],
    thresholds: &[&NAME, &SHARE, &MIN_SAVED, &MIN_SAMPLED],
    fix: None,
    explain: "\
## What it detects
A pattern whose names are longer than `name_bytes` on average and take more than `share_ratio` of its memory,
when names of half the length would save at least `min_saved_bytes`. It rests on a bounded sample with at least
`min_sampled_count` keys of the pattern.

## Why it matters
A name is stored with every key, compared at every access and sent with every command.

## How to fix
Shorten the fixed parts, write identifiers in a compact form, hash what is only ever looked up whole, or gather the
keys in a hash whose name carries the common part once.

## When to ignore
When the names are given from outside, or memory is no concern.

## References
Redis documentation: Keys and values; Memory optimization.
",
    run: Run::Redis(run),
};

static NAME: Threshold = Threshold {
    key: "name_bytes",
    unit: Unit::Bytes,
    default: 100.0,
    strict: None,
    range: (8.0, 1e6),
    why: "two identifiers and three words fit in less",
};

static SHARE: Threshold = Threshold {
    key: "share_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.0, 1.0),
    why: "beside large values even a long name is small",
};

static MIN_SAVED: Threshold = Threshold {
    key: "min_saved_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (0.0, 1e12),
    why: "renaming keys costs a release; it should give back ten megabytes at least",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let seen = redis.key_sample()?;
    Ok(seen.patterns.iter().filter_map(|pattern| judge(cx, seen, pattern)).collect())
}

fn judge(cx: &Context<'_>, seen: &KeySample, pattern: &KeyPattern) -> Option<Finding> {
    let (name, looked_at) = (&pattern.pattern, pattern.keys as f64);
    if looked_at < cx.limit_for(&MIN_SAMPLED, name).max(1.0) || pattern.memory_bytes <= 0 {
        return None;
    }
    let names = pattern.name_bytes as f64;
    let (average, share) = (names / looked_at, names / pattern.memory_bytes as f64);
    let saved = names * sample::scale_of(seen, pattern) / 2.0;
    if average <= cx.limit_for(&NAME, name)
        || share <= cx.limit_for(&SHARE, name)
        || saved < cx.limit_for(&MIN_SAVED, name)
    {
        return None;
    }
    let finding = cx
        .finding(
            Severity::Info,
            sample::subject(pattern),
            format!(
                "names of {name} are {average:.0} bytes long on average, {} of their memory",
                words::percent(share)
            ),
            "Shorten the fixed parts of the name and write identifiers in a compact form.",
        )
        .with(
            Evidence::new("average name", average, Unit::Bytes, "names of the sample")
                .against(cx.limit_for(&NAME, name)),
        )
        .with(
            Evidence::new(
                "share of their memory",
                share,
                Unit::Ratio,
                "MEMORY USAGE of the sample",
            )
            .against(cx.limit_for(&SHARE, name)),
        )
        .with(
            Evidence::new("saved with half the length", saved, Unit::Bytes, "sample, scaled up")
                .against(cx.limit_for(&MIN_SAVED, name)),
        )
        .promising(format!("names of half the length would save {}", words::bytes(saved)));
    Some(sample::resting_on(finding, seen, pattern))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::edit,
    };

    fn with(keys: i64, name_bytes: i64, memory_bytes: i64, total: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            let pattern = "tenant:*:user:*".to_owned();
            let pattern =
                KeyPattern { pattern, keys, name_bytes, memory_bytes, ..Default::default() };
            *edit(&mut redis.key_sample) =
                KeySample { sampled: 1000, total, patterns: vec![pattern], ..Default::default() };
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |keys, names, memory, total| severity(&CHECK, &with(keys, names, memory, total));
        assert_eq!(of(1000, 100_000, 200_000, 1_000_000), None);
        assert_eq!(of(1000, 100_001, 200_000, 1_000_000), Some(Severity::Info));
        assert_eq!(of(1000, 200_000, 1_000_000, 1_000_000), None);
        assert_eq!(of(1000, 200_001, 1_000_000, 1_000_000), Some(Severity::Info));
        assert_eq!(of(1000, 209_715, 500_000, 100_000), None, "saves less than ten megabytes");
        assert_eq!(of(1000, 209_716, 500_000, 100_000), Some(Severity::Info));
        assert_eq!(of(29, 20_000, 30_000, 9_000_000), None, "too few looked at");
        assert_eq!(of(30, 20_000, 30_000, 9_000_000), Some(Severity::Info));
    }

    #[test]
    fn says_what_would_be_saved() {
        let found = only(&CHECK, &with(1000, 209_716, 500_000, 100_000));
        assert_eq!(found.impact.unwrap(), "names of half the length would save 10 MB");
    }
}
