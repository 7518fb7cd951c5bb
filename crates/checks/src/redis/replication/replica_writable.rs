//! A replica that takes writes of its own.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::{Judged, Skip},
    view::RedisView,
};

/// `slave_read_only` on a replica.
pub static CHECK: Check = Check {
    id: "redis-replica-writable",
    title: "Replica takes writes",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A replica with `replica-read-only no`.

## Why it matters
What is written there exists nowhere else, differs from the primary without anybody noticing, and is gone with the next
full copy.

## How to fix
Set `replica-read-only yes`. A client that relied on it then gets `READONLY` errors: point it at the primary.

## When to ignore
Replicas that keep scratch keys of their own on purpose.

## References
Redis documentation: Replication, Read-only replica.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    if !facts::is_replica(redis, info) {
        return Err(Skip::not_applicable("a primary is meant to be written to"));
    }
    let by_setting = config.and_then(|config| config.is_yes("replica-read-only"));
    let read_only = info.int("slave_read_only").map(|flag| flag == 1).or(by_setting);
    let Some(read_only) = read_only else {
        return Err(Skip::not_applicable("neither INFO nor CONFIG tells whether it is read-only"));
    };
    if read_only {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::of_setting("replica-read-only"),
            "the replica takes writes of its own, which its primary never sees",
            "Make it read-only, and point clients that write at the primary.",
        )
        .with(Evidence::new("replica-read-only", "no", Unit::Text, "INFO replication"));
    let changes = [("replica-read-only", "yes")];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity},
        testing,
    };

    fn with(role: &str, read_only: &str) -> Snapshot {
        let config = [("replica-read-only", if read_only == "1" { "yes" } else { "no" })];
        built(&[("role", role), ("slave_read_only", read_only)], &config)
    }

    #[test]
    fn only_a_writable_replica_is_found() {
        assert_eq!(severity(&CHECK, &with("slave", "1")), None);
        assert_eq!(severity(&CHECK, &with("slave", "0")), Some(Severity::Warning));
        let (statements, undo) = fix(&CHECK, &with("slave", "0"));
        assert_eq!(statements, ["CONFIG SET replica-read-only yes", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET replica-read-only no", "CONFIG REWRITE"]);
    }

    #[test]
    fn a_primary_is_meant_to_be_written_to() {
        assert!(!testing::skipped(&CHECK, &with("master", "0")).is_gap());
    }
}
