//! Small collections that just miss the compact way of being stored.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Unit,
    redis::{Config, EncodingUse, Info, KeyPattern, KeySample},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, keys::sample},
    skip::Judged,
    view::RedisView,
    words,
};

/// Elements and encoding of the collections of a pattern, against the limits of the compact encodings.
pub static CHECK: Check = Check {
    id: "redis-encoding-overflow",
    title: "Collections just beyond the compact encoding",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config", "key_sample"],
    uses: &["info"],
    thresholds: &[&MOST, &MIN_COUNTED, &MIN_SAVED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A pattern of hashes, sorted sets or sets (the latter from 7.2 on) that are stored as hash tables or skip lists,
though they have no more than `most_elements` elements on average: more than the limit of the compact encoding
allows. At least `min_counted` of its keys were asked for their elements, and the compact encoding would give back
`min_saved_bytes` or more.

## Why it matters
In a table each element is an allocation of its own with pointers around it: 40 bytes an element of a hash or set,
90 of a sorted set, beside what it holds. A packed list costs two to four.

## How to fix
Raise the limit to what the collections have, or split them so that they stay below it. A packed list is searched
from its beginning: up to some hundred elements that costs less than the memory saved is worth. Keys that exist keep
their encoding until they are written anew.

## When to ignore
Collections of which single elements are read very often, on a server short of processor time.

## References
Redis documentation: Memory optimization, Special encoding of small aggregate data types.
",
    run: Run::Redis(run),
};

static MOST: Threshold = Threshold {
    key: "most_elements",
    unit: Unit::Count,
    default: 512.0,
    strict: None,
    range: (1.0, 10_000.0),
    why: "searching a longer packed list costs more time than its memory is worth",
};

static MIN_COUNTED: Threshold = Threshold {
    key: "min_counted",
    unit: Unit::Count,
    default: 8.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a mean of fewer collections is chance",
};

static MIN_SAVED: Threshold = Threshold {
    key: "min_saved_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (0.0, 1e12),
    why: "a change of settings should give back ten megabytes at least",
};

/// An encoding that a compact one could replace.
struct Costly {
    kind: &'static str,
    encoding: &'static str,
    /// Names of the limit, the newer first.
    settings: [&'static str; 2],
    /// Bytes saved per element: measured on Redis 7.0 with small values, rounded down.
    saved: f64,
}

const COSTLY: [Costly; 3] = [
    Costly {
        kind: "hash",
        encoding: "hashtable",
        settings: ["hash-max-listpack-entries", "hash-max-ziplist-entries"],
        saved: 40.0,
    },
    Costly {
        kind: "zset",
        encoding: "skiplist",
        settings: ["zset-max-listpack-entries", "zset-max-ziplist-entries"],
        saved: 90.0,
    },
    Costly {
        kind: "set",
        encoding: "hashtable",
        settings: ["set-max-listpack-entries", "set-max-listpack-entries"],
        saved: 40.0,
    },
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, seen, info) = (
        redis.config(),
        sample::knowing(redis, &["OBJECT ENCODING", "MEMORY USAGE"]),
        redis.info().ok(),
    );
    let (config, seen) = (config?, seen?);
    let of_pattern = |pattern| {
        COSTLY.iter().filter_map(move |costly| judge(cx, seen, pattern, costly, config, info))
    };
    Ok(seen.patterns.iter().flat_map(of_pattern).collect())
}

fn judge(
    cx: &Context<'_>,
    seen: &KeySample,
    pattern: &KeyPattern,
    costly: &Costly,
    config: &Config,
    info: Option<&Info>,
) -> Option<Finding> {
    let name = &pattern.pattern;
    let is_it = |it: &&EncodingUse| it.kind == costly.kind && it.encoding == costly.encoding;
    let stored = pattern.encodings.iter().find(is_it)?;
    let setting = costly.settings.into_iter().find(|setting| config.int(setting).is_some())?;
    let limit = config.int(setting)? as f64;
    let counted = stored.counted_keys as f64;
    if counted < cx.limit_for(&MIN_COUNTED, name).max(1.0) {
        return None;
    }
    let elements = stored.elements as f64 / counted;
    let asked: i64 = pattern.encodings.iter().map(|it| it.keys).sum();
    let keys = sample::keys_of(seen, pattern) * stored.keys as f64 / (asked as f64).max(1.0);
    let saved = keys * elements * costly.saved;
    let most = cx.limit_for(&MOST, name);
    if elements <= limit || elements > most || saved < cx.limit_for(&MIN_SAVED, name) {
        return None;
    }
    // A quarter more than the mean, in steps of 64: most of them are below that.
    let wanted = ((elements * 1.25 / 64.0).ceil() * 64.0).min(most.max(limit));
    let kind = if costly.kind == "zset" { "sorted sets" } else { &format!("{}s", costly.kind)[..] };
    let kind = if costly.kind == "hash" { "hashes" } else { kind };
    let source = "OBJECT ENCODING and lengths of some keys";
    let finding = cx
        .finding(
            Severity::Info,
            sample::subject(pattern),
            format!(
                "{} {kind} {name} with {elements:.0} elements each are stored as {}: the compact \
                 encoding ends at {limit:.0}",
                words::count(keys),
                costly.encoding
            ),
            format!(
                "Raise {setting} to {wanted:.0}, or split them so that they stay below the limit."
            ),
        )
        .with(Evidence::new("elements, on average", elements, Unit::Count, source).against(most))
        .with(Evidence::new(setting, limit, Unit::Count, "CONFIG GET"))
        .with(
            Evidence::new("keys counted", stored.counted_keys, Unit::Count, source)
                .against(cx.limit_for(&MIN_COUNTED, name)),
        )
        .with(
            Evidence::new("saved, estimated", saved, Unit::Bytes, "bytes an element, measured")
                .against(cx.limit_for(&MIN_SAVED, name)),
        )
        .promising(format!("saves about {}", words::bytes(saved)));
    let change = [(setting, &format!("{wanted:.0}")[..])];
    let finding = config_fix::set(finding, FixKind::Review, info, Some(config), &change);
    Some(sample::resting_on(finding, seen, pattern))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::KeyShare};

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, only, severity},
        testing::edit,
    };

    fn with(kind: &str, encoding: &str, elements: i64, keys: f64, counted: i64) -> Snapshot {
        let config = [("hash-max-listpack-entries", "128"), ("zset-max-ziplist-entries", "128")];
        built_with(&[], &config, |redis| {
            let stored = EncodingUse {
                kind: kind.into(),
                encoding: encoding.into(),
                keys: counted,
                counted_keys: counted,
                elements: elements * counted,
                ..EncodingUse::default()
            };
            let pattern = KeyPattern {
                pattern: "cart:*".into(),
                keys: counted,
                encodings: vec![stored],
                share: Some(KeyShare { keys, ..KeyShare::default() }),
                ..KeyPattern::default()
            };
            *edit(&mut redis.key_sample) =
                KeySample { patterns: vec![pattern], ..KeySample::default() };
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |elements, keys, counted| {
            severity(&CHECK, &with("hash", "hashtable", elements, keys, counted))
        };
        assert_eq!(of(129, 1e6, 8), Some(Severity::Info));
        assert_eq!(of(128, 1e6, 8), None, "it would fit: some value is too long");
        assert_eq!(of(512, 1e6, 8), Some(Severity::Info));
        assert_eq!(of(513, 1e6, 8), None);
        assert_eq!(of(129, 1e6, 7), None);
        // 256 elements of 40 bytes: 1024 keys save ten megabytes.
        assert_eq!(of(256, 1024.0, 8), Some(Severity::Info));
        assert_eq!(of(256, 1023.0, 8), None);
    }

    #[test]
    fn compact_ones_and_sets_without_a_limit_are_left_alone() {
        assert_eq!(severity(&CHECK, &with("hash", "listpack", 200, 1e6, 8)), None);
        assert_eq!(severity(&CHECK, &with("set", "hashtable", 200, 1e6, 8)), None, "before 7.2");
    }

    #[test]
    fn raises_the_limit_that_the_server_has() {
        let snapshot = with("zset", "skiplist", 200, 10_000.0, 16);
        assert_eq!(fix(&CHECK, &snapshot).0[0], "CONFIG SET zset-max-ziplist-entries 256");
        let found = only(&CHECK, &snapshot);
        assert_eq!(
            found.message,
            "10,000 sorted sets cart:* with 200 elements each are stored as skiplist: the compact \
             encoding ends at 128"
        );
    }
}
