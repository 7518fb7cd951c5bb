//! An eviction policy that finds nothing to evict.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{
        config_fix, facts,
        role::{Kind, Role, role},
    },
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `maxmemory-policy` against the share of expiring keys and the room left.
pub static CHECK: Check = Check {
    id: "redis-eviction-policy-mismatch",
    title: "Eviction policy does not fit the keys",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[&EXPIRING, &FULL, &MIN_KEYS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
On a server with a memory limit and at least `min_keys`: a `volatile-*` policy although less than
`expiring_ratio` of the keys expire, or `noeviction` (unless the server was called a store) with more than
`full_ratio` of the memory used. With a `volatile-*` policy and less than half of the memory used there is
time: a warning.

## Why it matters
`volatile-*` evicts only keys that have a time to live. When there are hardly any, it soon finds nothing and
writes are refused, exactly as with `noeviction`.

## How to fix
For a cache choose an `allkeys-*` policy. For a store give keys that may go a time to live, or plan the memory
so that the limit is never reached.

## When to ignore
When the few expiring keys are large and the rest does not grow.

## References
Redis documentation: Key eviction.
",
    run: Run::Redis(run),
};

static EXPIRING: Threshold = Threshold {
    key: "expiring_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.0, 1.0),
    why: "a fifth of the keys is soon eaten up when all growth has to come out of it",
};

static FULL: Threshold = Threshold {
    key: "full_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.1, 1.0),
    why: "the last tenth goes quickly, and then every write is refused",
};

static MIN_KEYS: Threshold = Threshold {
    key: "min_keys",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "the share of expiring keys says nothing about a handful",
};

/// Below this share of the limit a wrong policy is not urgent.
const FAR: f64 = 0.5;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let max = facts::number(info, "maxmemory")?;
    let policy = facts::text(info, "maxmemory_policy")?;
    let used = facts::number(info, "used_memory")?;
    let (keys, expiring) = facts::keys(info);
    if max <= 0.0 {
        return Err(Skip::not_applicable("maxmemory is not set: nothing is ever evicted"));
    }
    let (name, role) = (redis.name(), role(redis, info));
    let share = if keys > 0.0 { expiring / keys } else { 0.0 };
    let (few, full) = (cx.limit_for(&EXPIRING, name), cx.limit_for(&FULL, name));
    let finds_nothing = policy.starts_with("volatile-") && share < few;
    let refuses = policy == "noeviction" && role.kind != Kind::Store && used / max > full;
    if keys < cx.limit_for(&MIN_KEYS, name) || !(finds_nothing || refuses) {
        return Ok(Vec::new());
    }
    let is_far = finds_nothing && used / max < FAR;
    let why = if finds_nothing {
        format!("only {} of keys have a time to live", words::percent(share))
    } else {
        format!("{} of maxmemory are used", words::percent(used / max))
    };
    let finding = cx
        .finding(
            if is_far { Severity::Warning } else { Severity::Critical },
            facts::server(redis),
            format!("policy {policy} will refuse writes at the limit: {why}"),
            advice(&role),
        )
        .with(Evidence::new("maxmemory-policy", policy, Unit::Text, "INFO memory"))
        .with(Evidence::new("expiring keys", share, Unit::Ratio, "INFO keyspace").against(few))
        .with(
            Evidence::new("share of maxmemory", used / max, Unit::Ratio, "INFO memory")
                .against(full),
        )
        .with(Evidence::new("keys", keys, Unit::Count, "INFO keyspace"))
        .with(Evidence::new("purpose", role.why.clone(), Unit::Text, "inferred or told"));
    let kind = if role.kind == Kind::Cache { FixKind::Review } else { FixKind::Manual };
    let changes = [("maxmemory-policy", "allkeys-lru")];
    Ok(vec![config_fix::set(finding, kind, Some(info), config, &changes)])
}

fn advice(role: &Role) -> &'static str {
    match role.kind {
        Kind::Cache => "Let it evict any key: choose allkeys-lru (or allkeys-lfu).",
        Kind::Store => {
            "Give keys that may go a time to live, or more memory; never evict the rest."
        }
        Kind::Unknown => {
            "If it is a cache, let it evict any key. If it is the only copy, do not: give \
                          keys that may go a time to live, or more memory."
        }
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Keyspace};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity, told},
        testing::{self, edit},
    };

    fn with(policy: &str, used: &str, keys: i64, expires: i64) -> Snapshot {
        let info = [("maxmemory", "1000"), ("maxmemory_policy", policy), ("used_memory", used)];
        built_with(&info, &[("maxmemory-policy", policy)], |redis| {
            edit(&mut redis.info).keyspace = vec![Keyspace { keys, expires, ..Default::default() }];
        })
    }

    #[test]
    fn volatile_needs_keys_that_expire() {
        let of = |used, keys, expires| severity(&CHECK, &with("volatile-lru", used, keys, expires));
        assert_eq!(of("900", 1000, 200), None);
        assert_eq!(of("900", 1000, 199), Some(Severity::Critical));
        assert_eq!(of("500", 1000, 199), Some(Severity::Critical));
        assert_eq!(of("499", 1000, 199), Some(Severity::Warning), "not urgent yet");
        assert_eq!(of("900", 999, 0), None, "a handful of keys");
    }

    #[test]
    fn noeviction_is_right_for_a_store() {
        let full = with("noeviction", "901", 1000, 900);
        assert_eq!(severity(&CHECK, &full), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("noeviction", "900", 1000, 900)), None);
        assert_eq!(severity(&CHECK, &told(full, Some(false))), None);
        assert_eq!(severity(&CHECK, &with("allkeys-lru", "999", 1000, 0)), None);
    }

    #[test]
    fn the_fix_is_a_choice_unless_it_is_a_cache() {
        let found = only(&CHECK, &with("volatile-lru", "900", 1000, 0)).fix.unwrap();
        assert_eq!(found.kind, FixKind::Manual);
        assert_eq!(found.statements[0], "CONFIG SET maxmemory-policy allkeys-lru");
        assert_eq!(found.undo[0], "CONFIG SET maxmemory-policy volatile-lru");
        let cache = told(with("volatile-lru", "900", 1000, 0), Some(true));
        assert_eq!(only(&CHECK, &cache).fix.unwrap().kind, FixKind::Review);
    }

    #[test]
    fn without_a_limit_no_policy_matters() {
        let info = [("maxmemory", "0"), ("maxmemory_policy", "volatile-lru"), ("used_memory", "9")];
        assert!(!testing::skipped(&CHECK, &built_with(&info, &[], |_| {})).is_gap());
    }
}
