//! Large values are freed while everybody waits.

use dbvitals_model::{
    Evidence, FixKind, Severity, Unit,
    redis::{Config, Info, KeySample},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// `lazyfree-lazy-*`, on servers with large collections.
pub static CHECK: Check = Check {
    id: "redis-config-lazyfree",
    title: "Setting: lazyfree-lazy-*",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["info", "key_sample"],
    thresholds: &[&ELEMENTS, &MEAN],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
One of `lazyfree-lazy-eviction`, `-expire`, `-server-del` and `-user-del` is `no`, on a server with a collection of more than
`elements` in the sample of keys, or whose `DEL` takes longer than `mean_ms` on average.

## Why it matters
Freeing a collection of a hundred thousand elements takes tens of milliseconds, in which no client is served. In the background
it takes them from nobody.

## How to fix
Switch them on (Valkey 8 ships them so). Deleted memory is then free a moment later, not at once.

## When to ignore
Servers with small values only.

## References
Redis documentation: UNLINK; `lazyfree-lazy-*` in redis.conf.
",
    run: Run::Redis(run),
};

static ELEMENTS: Threshold = Threshold {
    key: "elements",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (64.0, 1e12),
    why: "freeing ten thousand elements takes more than a millisecond",
};

static MEAN: Threshold = Threshold {
    key: "mean_ms",
    unit: Unit::Ms,
    default: 1.0,
    strict: None,
    range: (0.001, 1e6),
    why: "deleting small values takes some microseconds",
};

/// What the server can free in the background, from 6.0 on.
const SETTINGS: &[&str] = &[
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info, sample) = (redis.config()?, redis.info().ok(), redis.key_sample().ok());
    let off: Vec<_> = SETTINGS.iter().copied().filter(|name| is_off(config, name)).collect();
    let (largest, mean) = (largest(sample), mean_of_del(info));
    let (elements, slow) = (cx.limit(&ELEMENTS), cx.limit(&MEAN));
    let is_large = largest.is_some_and(|largest| largest > elements);
    let is_slow = mean.is_some_and(|mean| mean > slow);
    if off.is_empty() || !(is_large || is_slow) {
        return Ok(Vec::new());
    }
    let why = match (largest.filter(|_| is_large), mean) {
        (Some(largest), _) => format!("of up to {} elements", words::count(largest)),
        (None, mean) => format!("so that DEL takes {}", words::millis(mean.unwrap_or(0.0))),
    };
    let mut finding = cx.finding(
        Severity::Info,
        facts::of_setting("lazyfree-lazy-*"),
        format!("values {why} are freed while all clients wait: {} off", off.join(", ")),
        "Free values in the background.",
    );
    for name in &off {
        finding = finding.with(Evidence::new(*name, "no", Unit::Text, "CONFIG GET"));
    }
    if let Some(largest) = largest {
        let source = "sample of keys";
        let seen = Evidence::new("largest collection seen", largest, Unit::Count, source);
        finding = finding.with(seen.against(elements));
    }
    if let Some(mean) = mean {
        let seen = Evidence::new("mean of DEL", mean, Unit::Ms, "INFO commandstats");
        finding = finding.with(seen.against(slow));
    }
    let changes: Vec<_> = off.into_iter().map(|name| (name, "yes")).collect();
    Ok(vec![config_fix::set(finding, FixKind::Safe, info, Some(config), &changes)])
}

fn is_off(config: &Config, name: &str) -> bool {
    config.is_yes(name) == Some(false)
}

fn largest(sample: Option<&KeySample>) -> Option<f64> {
    let collections = sample?.largest.iter().filter(|key| key.kind != "string");
    collections.filter_map(|key| key.elements).max().map(|elements| elements as f64)
}

fn mean_of_del(info: Option<&Info>) -> Option<f64> {
    let del = info?.commands.iter().find(|stat| stat.name == "del" && stat.calls > 0)?;
    Some(del.us_per_call / 1000.0)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Snapshot,
        redis::{CommandStat, KeyInfo},
    };

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, severity},
        testing::edit,
    };

    fn with(elements: i64, us_per_call: f64, expire: &str) -> Snapshot {
        let config = [("lazyfree-lazy-expire", expire), ("lazyfree-lazy-user-del", "yes")];
        built_with(&[], &config, |redis| {
            edit(&mut redis.key_sample).largest = vec![KeyInfo {
                kind: "hash".into(),
                elements: Some(elements),
                ..KeyInfo::default()
            }];
            let del =
                CommandStat { name: "del".into(), calls: 5, us_per_call, ..Default::default() };
            edit(&mut redis.info).commands = vec![del];
        })
    }

    #[test]
    fn small_values_need_no_background() {
        assert_eq!(severity(&CHECK, &with(10_000, 1000.0, "no")), None);
        assert_eq!(severity(&CHECK, &with(10_001, 0.0, "no")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with(0, 1001.0, "no")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with(90_000, 9000.0, "yes")), None);
    }

    #[test]
    fn switches_on_only_what_is_off() {
        let (statements, undo) = fix(&CHECK, &with(90_000, 0.0, "no"));
        assert_eq!(statements, ["CONFIG SET lazyfree-lazy-expire yes", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET lazyfree-lazy-expire no", "CONFIG REWRITE"]);
    }
}
