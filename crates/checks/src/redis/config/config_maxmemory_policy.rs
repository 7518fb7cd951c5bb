//! An eviction policy against what the server was said to be for.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        config_fix, facts,
        role::{Kind, role},
    },
    skip::{Judged, Skip},
    view::RedisView,
};

/// `maxmemory-policy`, on a server with a limit.
pub static CHECK: Check = Check {
    id: "redis-config-maxmemory-policy",
    title: "Setting: maxmemory-policy",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
On a server with `maxmemory`: a cache (as told) that refuses writes when full, a store (as told) that gives up any key when
full, or a policy that picks its victims at random.

## Why it matters
The policy decides what happens on the day the memory is full: errors, lost data, or a cache that goes on working.

## How to fix
`allkeys-lru` or `allkeys-lfu` for a cache, `noeviction` with an alert for a store.

## When to ignore
Random choice when all keys are used alike.

## References
Redis documentation: Key eviction.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let limit = facts::number(info, "maxmemory")?;
    let policy = facts::text(info, "maxmemory_policy")?;
    if limit <= 0.0 {
        return Err(Skip::not_applicable("maxmemory is not set: nothing is ever evicted"));
    }
    let role = role(redis, info);
    let told = role.is_told.then_some(role.kind);
    let (message, wanted) = match (told, policy) {
        (Some(Kind::Cache), "noeviction") => {
            ("a cache refuses writes when it is full", "allkeys-lru")
        }
        (Some(Kind::Store), policy) if policy.starts_with("allkeys-") => {
            ("a store gives up any key when it is full", "noeviction")
        }
        (_, "allkeys-random") => {
            ("keys are given up at random, whether used or not", "allkeys-lru")
        }
        (_, "volatile-random") => {
            ("keys are given up at random, whether used or not", "volatile-lru")
        }
        _ => return Ok(Vec::new()),
    };
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("maxmemory-policy"),
            format!("{message}: policy {policy}"),
            format!("Choose {wanted}."),
        )
        .with(Evidence::new("maxmemory-policy", policy, Unit::Text, "INFO memory"))
        .with(Evidence::new("maxmemory", limit, Unit::Bytes, "INFO memory"))
        .with(Evidence::new("purpose", role.why, Unit::Text, "inferred or told"));
    let changes = [("maxmemory-policy", wanted)];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity, told},
        testing,
    };

    fn with(policy: &str, is_cache: Option<bool>) -> Snapshot {
        let info = [("maxmemory", "1000"), ("maxmemory_policy", policy)];
        told(built(&info, &[("maxmemory-policy", policy)]), is_cache)
    }

    #[test]
    fn the_policy_must_fit_what_was_told() {
        assert_eq!(severity(&CHECK, &with("noeviction", Some(true))), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("noeviction", Some(false))), None);
        assert_eq!(severity(&CHECK, &with("noeviction", None)), None, "nothing was told");
        assert_eq!(severity(&CHECK, &with("allkeys-lru", Some(false))), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("allkeys-lru", Some(true))), None);
        assert_eq!(severity(&CHECK, &with("volatile-random", None)), Some(Severity::Info));
        let unlimited = built(&[("maxmemory", "0"), ("maxmemory_policy", "noeviction")], &[]);
        assert!(!testing::skipped(&CHECK, &unlimited).is_gap());
    }

    #[test]
    fn the_fix_can_be_undone() {
        let (statements, undo) = fix(&CHECK, &with("noeviction", Some(true)));
        assert_eq!(statements, ["CONFIG SET maxmemory-policy allkeys-lru", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET maxmemory-policy noeviction", "CONFIG REWRITE"]);
        assert_eq!(
            fix(&CHECK, &with("allkeys-lfu", Some(false))).0[0],
            "CONFIG SET maxmemory-policy noeviction"
        );
    }
}
