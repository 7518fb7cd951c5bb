//! A part of a cache that often does not have what it is asked for, as the application itself counts.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, redis::PatternHits};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::keys::sample,
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// Published hits against published lookups, by pattern.
pub static CHECK: Check = Check {
    id: "redis-pattern-low-hit-ratio",
    title: "Low hit ratio of one cache",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["key_sample"],
    uses: &[],
    thresholds: &[&RATIO, &MIN_LOOKUPS],
    fix: None,
    explain: "\
## What it detects
Hashes with the fields `hits` and `misses` (or `hits` and `requests`), in which an application counts for itself:
summed up by the pattern of their names, less than `ratio` of at least `min_lookups` were hits. Names are those that
match `*stats*`, or what `dbvitals redis keys --hit-ratio-keys` was told.

## Why it matters
The server counts all its readers together: one cache that never hits hides behind another that always does.

## How to fix
See whether its keys are evicted, expire too early, or are never asked twice. What is never asked twice is better
not cached.

## When to ignore
Counters that were never reset and tell of a past that is over.

## References
Redis documentation: Client-side caching; Key eviction.
",
    run: Run::Redis(run),
};

static RATIO: Threshold = Threshold {
    key: "ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: Some(0.95),
    range: (0.0, 1.0),
    why: "at one miss in ten what stands behind works ten times as hard as at one in a hundred",
};

static MIN_LOOKUPS: Threshold = Threshold {
    key: "min_lookups",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "the first lookups of a new cache always miss",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let seen = sample::knowing(redis, &["HMGET", "TYPE"])?;
    if seen.hits.is_empty() {
        return Err(Skip::not_applicable("no key seen publishes a hit ratio"));
    }
    Ok(seen.hits.iter().filter_map(|hits| judge(cx, hits)).collect())
}

fn judge(cx: &Context<'_>, published: &PatternHits) -> Option<Finding> {
    let name = &published.pattern;
    let lookups = published.lookups as f64;
    let least = cx.limit_for(&MIN_LOOKUPS, name);
    if lookups < least.max(1.0) {
        return None;
    }
    let (ratio, wanted) = (published.hits as f64 / lookups, cx.limit_for(&RATIO, name));
    if ratio >= wanted {
        return None;
    }
    let source = "fields hits, misses and requests of the hashes";
    let found = cx
        .finding(
            Severity::Warning,
            Subject::within("keys", &published.database.to_string(), name),
            format!(
                "{} of {} lookups that {name} counts were hits",
                words::percent(ratio),
                words::count(lookups)
            ),
            "See whether its keys are evicted, expire too early, or are never asked twice.",
        )
        .with(Evidence::new("hit ratio", ratio, Unit::Ratio, source).against(wanted))
        .with(Evidence::new("lookups", lookups, Unit::Count, source).against(least))
        .with(Evidence::new("keys that tell", published.keys, Unit::Count, "SCAN"));
    Some(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::KeySample};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        settings::{Profile, Settings},
        testing::{self, edit},
    };

    fn with(hits: i64, lookups: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            let hits = PatternHits {
                pattern: "cache:stats:*".into(),
                keys: 3,
                hits,
                lookups,
                ..PatternHits::default()
            };
            *edit(&mut redis.key_sample) = KeySample { hits: vec![hits], ..KeySample::default() };
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(severity(&CHECK, &with(900, 1000)), None);
        assert_eq!(severity(&CHECK, &with(899, 1000)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(0, 999)), None, "too few lookups");
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        assert!(!testing::findings_with(&CHECK, &with(949, 1000), &strict).is_empty());
        assert!(testing::findings_with(&CHECK, &with(950, 1000), &strict).is_empty());
    }

    #[test]
    fn names_the_pattern_and_its_numbers() {
        let found = only(&CHECK, &with(600, 2000));
        assert_eq!(found.message, "30 % of 2,000 lookups that cache:stats:* counts were hits");
        assert_eq!(found.key, "redis-pattern-low-hit-ratio@cache/keys:0.cache:stats:*");
    }

    #[test]
    fn where_nothing_is_published_the_question_does_not_arise() {
        let none = built_with(&[], &[], |redis| {
            *edit(&mut redis.key_sample) = KeySample::default();
        });
        assert!(!testing::skipped(&CHECK, &none).is_gap());
    }
}
