//! Single keys that take a large part of the load.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    redis::{Config, Info, KeyInfo, Window},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{facts, keys::sample},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// How often a key is used, by its LFU counter, against all commands.
pub static CHECK: Check = Check {
    id: "redis-hot-key",
    title: "Hot key",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info", "key_sample"],
    uses: &["config", "window"],
    thresholds: &[&WARNING, &CRITICAL, &MIN_LOAD],
    fix: None,
    explain: "\
## What it detects
A key used by more than `warning_ratio` (or `critical_ratio`) of all commands, on a server with at least
`min_load_per_second` commands a second. How often it is used is read from the counter that an eviction policy of
the LFU kind keeps: at rest it stands at the height where use and decay are in balance,
`((counter − 5) · lfu-log-factor + 1) / lfu-decay-time` uses a minute. A full counter (255) is a lower bound. Only
keys that were looked at are judged; a walk of all keys sees every one.

## Why it matters
All its readers wait in one line, on one core, and in a cluster on one node: adding nodes does not help.

## How to fix
Keep a copy in the application for a second (client-side caching does so and stays correct), spread the key over
several with a number in the name, or read it from replicas.

## When to ignore
A server that exists for this key, a counter or a lock, and has room to spare.

## References
Redis documentation: Key eviction, The new LFU mode; Client-side caching.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 1.0),
    why: "one key in twenty commands will be the first limit when load grows",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.0, 1.0),
    why: "with a fifth of the load on one key no more than five nodes can ever help",
};

static MIN_LOAD: Threshold = Threshold {
    key: "min_load_per_second",
    unit: Unit::PerSecond,
    default: 100.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a server with nothing to do always has a key that does most of it",
};

/// What a new key starts with: the counter means nothing below.
const START: i64 = 5;

/// The counter is full: the key is used at least so much.
const FULL: i64 = 255;

/// Defaults of `lfu-log-factor` and `lfu-decay-time`, where settings cannot be read.
const DEFAULTS: (f64, f64) = (10.0, 1.0);

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, seen) = (redis.info(), sample::knowing(redis, &["OBJECT FREQ"]));
    let (config, window) = (redis.config().ok(), redis.window().ok());
    let (info, seen) = (info?, seen?);
    let policy = info.text("maxmemory_policy").unwrap_or("unknown");
    if !policy.ends_with("-lfu") {
        let why = format!("the eviction policy is {policy}: keys carry no use counter");
        return Err(Skip::not_applicable(why));
    }
    let setting = |name: &str, default: f64| {
        config.and_then(|it: &Config| it.int(name)).map_or(default, |number| number as f64)
    };
    let factor = setting("lfu-log-factor", DEFAULTS.0);
    let decay = setting("lfu-decay-time", DEFAULTS.1);
    if decay <= 0.0 {
        return Err(Skip::not_applicable("lfu-decay-time is 0: counters tell of all times"));
    }
    let Some((load, source)) = load(info, window) else {
        return Err(Skip::not_applicable("INFO does not tell the commands per second"));
    };
    if load < cx.limit_for(&MIN_LOAD, redis.name()).max(f64::MIN_POSITIVE) {
        return Ok(Vec::new());
    }
    let hot = seen.hottest.iter().filter_map(|key| {
        let uses = uses_per_second(key.frequency?, factor, decay)?;
        finding(cx, key, uses, load, source)
    });
    Ok(hot.collect())
}

/// Commands a second, over the window or just now.
fn load(info: &Info, window: Option<&Window>) -> Option<(f64, &'static str)> {
    let grown = window.filter(|window| window.seconds > 0.0).and_then(|window| {
        let commands = window.counters.get("total_commands_processed")?;
        Some((*commands as f64 / window.seconds, "INFO stats, over the window"))
    });
    grown.or_else(|| {
        let now = facts::number(info, "instantaneous_ops_per_sec").ok()?;
        Some((now, "INFO instantaneous_ops_per_sec"))
    })
}

/// Uses a second at which the counter stays where it is.
fn uses_per_second(counter: i64, factor: f64, decay_minutes: f64) -> Option<f64> {
    let above = counter - START;
    (above > 0).then(|| (above as f64 * factor + 1.0) / decay_minutes / 60.0)
}

fn finding(cx: &Context<'_>, key: &KeyInfo, uses: f64, load: f64, source: &str) -> Option<Finding> {
    let ratio = (uses / load).min(1.0);
    let severity = cx.above(ratio, &WARNING, &CRITICAL, &key.name)?;
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let least = if key.frequency == Some(FULL) { "at least " } else { "about " };
    let name = words::shorten(&key.name, 80);
    let found = cx
        .finding(
            severity,
            Subject::within("key", &key.database.to_string(), &key.name),
            format!("{least}{} of all commands use the key {name}", words::percent(ratio)),
            "Keep a copy in the application for a moment, or spread it over several keys.",
        )
        .with(
            Evidence::new("share of the load", ratio, Unit::Ratio, "counter against load")
                .against(cx.limit_for(limit, &key.name)),
        )
        .with(Evidence::new("uses, estimated", uses, Unit::PerSecond, "OBJECT FREQ"))
        .with(Evidence::new("use counter", key.frequency.unwrap_or(0), Unit::Count, "OBJECT FREQ"))
        .with(Evidence::new("commands", load, Unit::PerSecond, source));
    Some(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::KeySample};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::{self, edit},
    };

    fn with(frequency: i64, ops: &str, policy: &str, decay: &str) -> Snapshot {
        let info = [("maxmemory_policy", policy), ("instantaneous_ops_per_sec", ops)];
        let config = [("lfu-log-factor", "10"), ("lfu-decay-time", decay)];
        built_with(&info, &config, |redis| {
            let key =
                KeyInfo { name: "k".into(), frequency: Some(frequency), ..KeyInfo::default() };
            *edit(&mut redis.key_sample) = KeySample { hottest: vec![key], ..KeySample::default() };
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |frequency, ops| severity(&CHECK, &with(frequency, ops, "allkeys-lfu", "1"));
        // 41 above the start: 411 uses a minute, 6.85 a second.
        assert_eq!(of(46, "138"), None);
        assert_eq!(of(46, "136"), Some(Severity::Warning));
        assert_eq!(of(255, "209"), Some(Severity::Warning));
        assert_eq!(of(255, "208"), Some(Severity::Critical));
        assert_eq!(of(255, "99"), None, "hardly any load");
        assert_eq!(of(5, "100"), None, "a new key");
    }

    #[test]
    fn without_counters_that_decay_the_question_does_not_arise() {
        for snapshot in [with(255, "200", "allkeys-lru", "1"), with(255, "200", "allkeys-lfu", "0")]
        {
            assert!(!testing::skipped(&CHECK, &snapshot).is_gap());
        }
    }

    #[test]
    fn a_full_counter_is_a_lower_bound() {
        let found = only(&CHECK, &with(255, "200", "volatile-lfu", "1"));
        assert_eq!(found.message, "at least 21 % of all commands use the key k");
    }
}
