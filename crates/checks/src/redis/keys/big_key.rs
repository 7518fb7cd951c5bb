//! Single keys that hold too much.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, redis::KeyInfo};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::keys::sample,
    skip::Judged,
    view::RedisView,
    words,
};

/// Memory and elements of the largest keys seen.
pub static CHECK: Check = Check {
    id: "redis-big-key",
    title: "Big key",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["key_sample"],
    uses: &[],
    thresholds: &[&WARNING_SIZE, &CRITICAL_SIZE, &WARNING_ELEMENTS, &CRITICAL_ELEMENTS],
    fix: None,
    explain: "\
## What it detects
A key that takes more than `warning_size_bytes` (or `critical_size_bytes`), or a collection of more than
`warning_elements` (or `critical_elements`). Unless every key was seen, bigger ones may exist.

## Why it matters
Reading, copying or deleting it in one command stops every other client meanwhile. In a cluster it cannot be
split, so one node carries it alone.

## How to fix
Split it: a hash by part of the field, a list or sorted set by time, a string into parts or compressed. Read it
with `HSCAN`, `SSCAN`, `ZSCAN` or by range. Remove it with `UNLINK`, not `DEL`.

## When to ignore
A queue or a leaderboard that is only ever touched at its ends.

## References
Redis documentation: UNLINK, SCAN, MEMORY USAGE.
",
    run: Run::Redis(run),
};

static WARNING_SIZE: Threshold = Threshold {
    key: "warning_size_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (1024.0, 1e12),
    why: "sending a megabyte takes a gigabit link 8 ms, a hundred times a usual answer",
};

static CRITICAL_SIZE: Threshold = Threshold {
    key: "critical_size_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (1024.0, 1e12),
    why: "ten megabytes read a few times a second fill a gigabit link",
};

static WARNING_ELEMENTS: Threshold = Threshold {
    key: "warning_elements",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "walking ten thousand elements takes milliseconds, for all clients",
};

static CRITICAL_ELEMENTS: Threshold = Threshold {
    key: "critical_elements",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "freeing fifty thousand fields was measured at 7 ms; this is twice that and more",
};

/// One habit gives many big keys: the worst ones stand for it.
const MOST: usize = 20;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let seen = redis.key_sample()?;
    let mut big: Vec<_> =
        seen.largest.iter().filter_map(|key| Some((judge(cx, key)?, key))).collect();
    big.sort_by(|(a, x), (b, y)| {
        b.cmp(a).then(y.memory_bytes.cmp(&x.memory_bytes)).then_with(|| x.name.cmp(&y.name))
    });
    big.truncate(MOST);
    // Some are told by their elements alone.
    if big.is_empty()
        && let Some(skip) = sample::refusal(redis, &["MEMORY USAGE"])
    {
        return Err(skip);
    }
    let coverage = Evidence::new("keys looked at", seen.sampled, Unit::Count, "SCAN");
    let found = big.into_iter().map(|(severity, key)| {
        finding(cx, severity, key).with(coverage.clone()).with(Evidence::new(
            "keys in all",
            seen.total,
            Unit::Count,
            "DBSIZE",
        ))
    });
    Ok(found.collect())
}

fn judge(cx: &Context<'_>, key: &KeyInfo) -> Option<Severity> {
    let elements = key.elements.filter(|_| key.kind != "string").unwrap_or(0) as f64;
    let above = |size: &'static Threshold, count: &'static Threshold| {
        key.memory_bytes as f64 > cx.limit_for(size, &key.name)
            || elements > cx.limit_for(count, &key.name)
    };
    if above(&CRITICAL_SIZE, &CRITICAL_ELEMENTS) {
        Some(Severity::Critical)
    } else if above(&WARNING_SIZE, &WARNING_ELEMENTS) {
        Some(Severity::Warning)
    } else {
        None
    }
}

fn finding(cx: &Context<'_>, severity: Severity, key: &KeyInfo) -> Finding {
    let (size, count) = if severity == Severity::Critical {
        (&CRITICAL_SIZE, &CRITICAL_ELEMENTS)
    } else {
        (&WARNING_SIZE, &WARNING_ELEMENTS)
    };
    let elements = key.elements.filter(|_| key.kind != "string");
    let holding = elements.map(|n| format!(" in {} elements", words::count(n as f64)));
    let advice = if key.kind == "string" {
        "Split or compress it, and read the parts that are needed. Remove it with UNLINK."
    } else {
        "Split it into several keys, read it by ranges or scans, and remove it with UNLINK."
    };
    let name = words::shorten(&key.name, 80);
    let subject = Subject::within("key", &key.database.to_string(), &key.name);
    let found = cx
        .finding(
            severity,
            subject,
            format!(
                "{} {name} takes {}{}",
                key.kind,
                words::bytes(key.memory_bytes as f64),
                holding.unwrap_or_default()
            ),
            advice,
        )
        .with(
            Evidence::new("size", key.memory_bytes, Unit::Bytes, "MEMORY USAGE")
                .against(cx.limit_for(size, &key.name)),
        );
    let found = match elements {
        Some(elements) => found.with(
            Evidence::new("elements", elements, Unit::Count, "length of the collection")
                .against(cx.limit_for(count, &key.name)),
        ),
        None => found,
    };
    match &key.encoding {
        Some(encoding) => {
            found.with(Evidence::new("encoding", encoding.as_str(), Unit::Text, "OBJECT ENCODING"))
        }
        None => found,
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::KeySample};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::{self, edit},
    };

    fn key(kind: &str, memory_bytes: i64, elements: Option<i64>) -> KeyInfo {
        KeyInfo {
            name: "k".into(),
            kind: kind.into(),
            memory_bytes,
            elements,
            ..Default::default()
        }
    }

    fn with(largest: Vec<KeyInfo>) -> Snapshot {
        built_with(&[], &[], |redis| {
            *edit(&mut redis.key_sample) =
                KeySample { sampled: 10, total: 10, largest, ..KeySample::default() };
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of =
            |kind, memory, elements| severity(&CHECK, &with(vec![key(kind, memory, elements)]));
        assert_eq!(of("string", 1_048_576, None), None);
        assert_eq!(of("string", 1_048_577, None), Some(Severity::Warning));
        assert_eq!(of("string", 10_485_760, None), Some(Severity::Warning));
        assert_eq!(of("string", 10_485_761, None), Some(Severity::Critical));
        assert_eq!(of("hash", 0, Some(10_000)), None);
        assert_eq!(of("hash", 0, Some(10_001)), Some(Severity::Warning));
        assert_eq!(of("hash", 0, Some(100_000)), Some(Severity::Warning));
        assert_eq!(of("hash", 0, Some(100_001)), Some(Severity::Critical));
    }

    #[test]
    fn a_string_s_length_is_no_number_of_elements() {
        assert_eq!(severity(&CHECK, &with(vec![key("string", 900, Some(500_000))])), None);
    }

    #[test]
    fn names_the_key_and_its_database() {
        let found = only(&CHECK, &with(vec![key("zset", 2_097_152, Some(12_000))]));
        assert_eq!(found.message, "zset k takes 2 MB in 12,000 elements");
        assert_eq!(found.key, "redis-big-key@cache/key:0.k");
    }

    #[test]
    fn the_worst_stand_for_the_rest() {
        let many =
            (0..50).map(|n| KeyInfo { name: format!("k{n}"), ..key("set", 2_000_000 + n, None) });
        let found = testing::findings(&CHECK, &with(many.collect()));
        assert_eq!(found.len(), MOST);
        assert_eq!(found[0].subject.name, "k49");
    }
}
