//! From a bounded look at some keys to a statement about all of them.

use dbvitals_model::{
    Evidence, Finding, Reason, Subject, Unavailable, Unit,
    redis::{KeyPattern, KeySample},
};

use crate::{check::Threshold, skip::Skip, view::RedisView};

/// How many keys of a pattern must have been looked at before its shares mean anything.
pub static MIN_SAMPLED: Threshold = Threshold {
    key: "min_sampled_count",
    unit: Unit::Count,
    default: 30.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a share of fewer keys than thirty is chance",
};

/// The keys, where none of these commands was refused: without its answers a check would judge what it never saw.
pub fn knowing<'a>(redis: &RedisView<'a>, commands: &[&str]) -> Result<&'a KeySample, Skip> {
    let sample = redis.key_sample()?;
    match refusal(redis, commands) {
        Some(skip) => Err(skip),
        None => Ok(sample),
    }
}

/// Why one of these commands told nothing of the keys.
pub fn refusal(redis: &RedisView<'_>, commands: &[&str]) -> Option<Skip> {
    let states = redis.states();
    let (_, state) = states.into_iter().find(|(name, _)| *name == "key_sample")?;
    let is_refused = |gap: &&Unavailable| {
        matches!(gap.reason, Reason::Permission | Reason::Disabled)
            && commands.iter().any(|command| gap.detail.contains(command))
    };
    state.ok()?.iter().find(is_refused).map(Skip::from)
}

/// Keys of a pattern, estimated for the whole keyspace.
pub fn keys_of(sample: &KeySample, pattern: &KeyPattern) -> f64 {
    match &pattern.share {
        Some(share) => share.keys,
        None => pattern.keys as f64 * scale(sample),
    }
}

/// How many keys each looked-at key of a pattern stands for; 1 when every key was asked.
pub fn scale_of(sample: &KeySample, pattern: &KeyPattern) -> f64 {
    if pattern.keys > 0 { keys_of(sample, pattern) / pattern.keys as f64 } else { 1.0 }
}

/// The share of a pattern in the memory of all keys.
pub fn memory_ratio(sample: &KeySample, pattern: &KeyPattern) -> f64 {
    match &pattern.share {
        Some(share) => share.memory_ratio,
        None => pattern.memory_bytes as f64 / memory(sample).max(1.0),
    }
}

/// How many keys each looked-at key stands for; 1 when every key was seen. Only for snapshots without shares.
fn scale(sample: &KeySample) -> f64 {
    if sample.is_complete || sample.sampled <= 0 {
        1.0
    } else {
        (sample.total as f64 / sample.sampled as f64).max(1.0)
    }
}

/// Memory of all keys looked at.
fn memory(sample: &KeySample) -> f64 {
    sample.patterns.iter().map(|pattern| pattern.memory_bytes.max(0) as f64).sum()
}

/// A pattern as the subject of a finding.
pub fn subject(pattern: &KeyPattern) -> Subject {
    Subject::within("keys", &pattern.database.to_string(), &pattern.pattern)
}

/// `about ` where the number is scaled up from a sample, for messages.
pub fn about(sample: &KeySample) -> &'static str {
    if sample.is_complete { "" } else { "about " }
}

/// The finding with how much of the keyspace it rests on.
pub fn resting_on(finding: Finding, sample: &KeySample, pattern: &KeyPattern) -> Finding {
    let source = match sample.way.as_str() {
        _ if sample.is_complete => "SCAN of every key",
        "survey" => "SCAN of every name, details of some",
        _ => "SCAN of a bounded sample",
    };
    finding
        .with(Evidence::new("keys of it looked at", pattern.keys, Unit::Count, source))
        .with(Evidence::new("keys looked at", sample.sampled, Unit::Count, source))
        .with(Evidence::new("keys in all", sample.total, Unit::Count, "DBSIZE"))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Collected, Section};

    use super::*;
    use crate::{
        redis::{
            fixture::built_with,
            keys::{big_key, encoding_overflow, many_small_strings, ttl_stampede},
        },
        testing,
    };

    #[test]
    fn what_was_never_seen_is_not_judged() {
        let without = |command: &str| {
            built_with(&[], &[], |redis| {
                let gaps = vec![Unavailable::with_remedy(
                    Reason::Permission,
                    format!("user u may not run {command}"),
                    "ACL SETUSER u …",
                )];
                let value = KeySample { expiring: 0, ..KeySample::default() };
                redis.key_sample = Section::Collected(Collected { value, gaps });
            })
        };
        for (command, check) in [
            ("MEMORY USAGE", &big_key::CHECK),
            ("MEMORY USAGE", &many_small_strings::CHECK),
            ("OBJECT ENCODING", &encoding_overflow::CHECK),
            ("PTTL", &ttl_stampede::CHECK),
        ] {
            let skip = testing::skipped(check, &without(command));
            assert!(skip.is_gap() && skip.0.remedy.is_some(), "{command} {}: {skip:?}", check.id);
            let other = testing::findings(check, &without("HMGET"));
            assert!(other.is_empty(), "{command} {}", check.id);
        }
    }

    #[test]
    fn a_pattern_s_own_share_goes_before_the_sample_s() {
        let share = dbvitals_model::redis::KeyShare {
            keys: 500.0,
            memory_ratio: 0.25,
            ..Default::default()
        };
        let pattern = KeyPattern { keys: 100, share: Some(share), ..KeyPattern::default() };
        let sample = KeySample { sampled: 200, total: 2000, ..KeySample::default() };
        assert!((scale_of(&sample, &pattern) - 5.0).abs() < 1e-9);
        assert!((memory_ratio(&sample, &pattern) - 0.25).abs() < 1e-9);
        let old = KeyPattern { keys: 100, ..KeyPattern::default() };
        assert!((keys_of(&sample, &old) - 1000.0).abs() < 1e-9);
        assert!((scale_of(&sample, &KeyPattern::default()) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_complete_look_stands_for_itself() {
        let of = |sampled, total, is_complete| {
            scale(&KeySample { sampled, total, is_complete, ..KeySample::default() })
        };
        assert!((of(100, 1000, false) - 10.0).abs() < 1e-9);
        assert!((of(100, 1000, true) - 1.0).abs() < 1e-9);
        assert!((of(0, 1000, false) - 1.0).abs() < 1e-9);
        assert!((of(100, 90, false) - 1.0).abs() < 1e-9, "keys went meanwhile");
    }
}
