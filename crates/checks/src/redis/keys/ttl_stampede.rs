//! Many keys that expire in the same minute.

use dbvitals_model::{
    Evidence, Severity, Unit,
    redis::{Info, KeySample},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{facts, keys::sample},
    skip::Judged,
    view::RedisView,
    words,
};

/// The fullest minute among the times to live of the sample.
pub static CHECK: Check = Check {
    id: "redis-ttl-stampede",
    title: "Many keys expire at once",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info", "key_sample"],
    uses: &[],
    thresholds: &[&SHARE, &UNEVEN, &MIN_EXPIRING],
    fix: None,
    explain: "\
## What it detects
More than `share_ratio` of the expiring keys of a sample (of at least `min_expiring` such keys) will expire within one and the
same minute, and that is more than `uneven_factor` times what evenly spread times to live of that length would give.

## Why it matters
When they go, the server spends its time on expiry, and every reader misses at once: the database behind gets the whole load in
a minute.

## How to fix
Add a random part to the time to live, such as a tenth of it. Renew hot keys before they expire.

## When to ignore
Keys that must end together, such as those of a day or an auction.

## References
Redis documentation: EXPIRE.
",
    run: Run::Redis(run),
};

static SHARE: Threshold = Threshold {
    key: "share_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.01, 1.0),
    why: "a fifth of a cache missing at once is a load no database behind is sized for",
};

static UNEVEN: Threshold = Threshold {
    key: "uneven_factor",
    unit: Unit::Factor,
    default: 3.0,
    strict: None,
    range: (1.0, 1000.0),
    why: "short times to live fill every minute by nature; three times that is a heap",
};

static MIN_EXPIRING: Threshold = Threshold {
    key: "min_expiring",
    unit: Unit::Count,
    default: 200.0,
    strict: None,
    range: (10.0, 1e9),
    why: "with fewer keys in the sample a full minute is chance",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, sample) = (redis.info(), sample::knowing(redis, &["PTTL"]));
    let (info, sample) = (info?, sample?);
    let (name, expiring) = (redis.name(), sample.expiring as f64);
    let least = cx.limit_for(&MIN_EXPIRING, name);
    if expiring < least.max(1.0) {
        return Ok(Vec::new());
    }
    let share = sample.expiring_in_fullest_minute as f64 / expiring;
    let Some(even) = even_share(info, sample) else { return Ok(Vec::new()) };
    let (most, factor) = (cx.limit_for(&SHARE, name), cx.limit_for(&UNEVEN, name));
    if share <= most || share <= even * factor {
        return Ok(Vec::new());
    }
    let (_, all) = facts::keys(info);
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "{} of {} expiring keys end within the same minute",
                words::percent(share),
                words::count(all.max(expiring))
            ),
            "Add a random part to the times to live, and renew hot keys before they expire.",
        )
        .with(
            Evidence::new("share of the fullest minute", share, Unit::Ratio, "PTTL of the sample")
                .against(most),
        )
        .with(
            Evidence::new("share if spread evenly", even, Unit::Ratio, "INFO keyspace, avg_ttl")
                .against(share / factor),
        )
        .with(
            Evidence::new("expiring keys looked at", expiring, Unit::Count, "SCAN of a sample")
                .against(least),
        )
        .with(Evidence::new("keys looked at", sample.sampled, Unit::Count, "SCAN of a sample"));
    Ok(vec![finding])
}

/// The share of a minute if the remaining times were spread evenly up to twice their average.
fn even_share(info: &Info, sample: &KeySample) -> Option<f64> {
    let seconds = info
        .keyspace
        .iter()
        .filter(|db| db.expires > 0 && db.average_ttl_ms > 0)
        .max_by_key(|db| db.expires)
        .map(|db| db.average_ttl_ms as f64 / 1000.0)?;
    (sample.expiring > 0).then(|| (30.0 / seconds).min(1.0))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Keyspace};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::edit,
    };

    fn with(expiring: i64, fullest: i64, average_ttl_ms: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            *edit(&mut redis.key_sample) = KeySample {
                sampled: 2000,
                total: 100_000,
                expiring,
                expiring_in_fullest_minute: fullest,
                ..KeySample::default()
            };
            let expires = 50_000;
            edit(&mut redis.info).keyspace =
                vec![Keyspace { keys: 100_000, expires, average_ttl_ms, ..Keyspace::default() }];
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let hour = 3_600_000;
        assert_eq!(severity(&CHECK, &with(1000, 200, hour)), None);
        assert_eq!(severity(&CHECK, &with(1000, 201, hour)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(199, 199, hour)), None);
        assert_eq!(severity(&CHECK, &with(200, 200, hour)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(0, 0, hour)), None);
    }

    #[test]
    fn short_times_to_live_fill_every_minute_by_nature() {
        assert_eq!(severity(&CHECK, &with(1000, 600, 150_000)), None, "a fifth each, by nature");
        assert_eq!(severity(&CHECK, &with(1000, 601, 150_000)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(1000, 1000, 30_000)), None);
        assert_eq!(severity(&CHECK, &with(1000, 1000, 0)), None, "the average is not known");
    }

    #[test]
    fn names_share_and_keys() {
        let found = only(&CHECK, &with(1000, 900, 3_600_000));
        assert_eq!(found.message, "90 % of 50,000 expiring keys end within the same minute");
    }
}
