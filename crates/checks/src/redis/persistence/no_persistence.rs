//! Data that a restart loses.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        config_fix, facts,
        persistence::save_points,
        role::{Kind, role},
    },
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// Neither snapshots nor append-only file, on what is not a cache.
pub static CHECK: Check = Check {
    id: "redis-no-persistence",
    title: "Data are not kept on disk",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info", "config"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A primary with keys, without save points and without append-only file, that is not a cache. Where nothing says
whether it is one, this is information. The purpose is told by `is_cache` in the configuration, or inferred from
limit, policy and expiry.

## Why it matters
A restart begins empty. With replicas it is worse: a primary that restarts empty makes its replicas empty, too.

## How to fix
Switch the append-only file on; the server writes what it holds in the background first.

## When to ignore
When the data can be rebuilt: say `is_cache = true`.

## References
Redis documentation: Persistence; Replication, Safety of replication when master has persistence turned off.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info(), redis.config());
    let (info, config) = (info?, config?);
    let aof = facts::number(info, "aof_enabled")?;
    let save = facts::setting(config, "save")?;
    if facts::is_replica(redis, info) {
        return Err(Skip::not_applicable("a replica gets its data from its primary"));
    }
    let (role, (keys, _)) = (role(redis, info), facts::keys(info));
    if aof > 0.0 || save_points::is_on(Some(config)) == Some(true) {
        return Ok(Vec::new());
    }
    if role.kind == Kind::Cache || keys <= 0.0 {
        return Ok(Vec::new());
    }
    let severity = if role.kind == Kind::Store { Severity::Warning } else { Severity::Info };
    let replicas = info.number("connected_slaves").unwrap_or(0.0);
    let danger =
        if replicas > 0.0 { ", and would empty its replicas when it restarts empty" } else { "" };
    let finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!(
                "a restart loses all {} keys: nothing is kept on disk{danger}",
                words::count(keys)
            ),
            "Switch the append-only file on, or say in the configuration that it is a cache.",
        )
        .with(Evidence::new("appendonly", aof, Unit::Count, "INFO persistence, aof_enabled"))
        .with(Evidence::new("save", format!("\"{save}\""), Unit::Text, "CONFIG GET"))
        .with(Evidence::new("keys", keys, Unit::Count, "INFO keyspace"))
        .with(Evidence::new("replicas", replicas, Unit::Count, "INFO replication"))
        .with(Evidence::new("purpose", role.why, Unit::Text, "inferred or told"));
    let changes = [("appendonly", "yes")];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), Some(config), &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Keyspace};

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, severity, told},
        testing::{self, edit},
    };

    fn with(aof: &str, save: &str, policy: &str, keys: i64, role: &str) -> Snapshot {
        let info = [("aof_enabled", aof), ("maxmemory_policy", policy), ("role", role)];
        let config = [("save", save), ("appendonly", "no")];
        built_with(&info, &config, |redis| {
            edit(&mut redis.info).keyspace = vec![Keyspace { keys, ..Keyspace::default() }];
        })
    }

    #[test]
    fn a_store_is_warned_and_the_unknown_informed() {
        let store = with("0", "", "noeviction", 1000, "master");
        assert_eq!(severity(&CHECK, &store), Some(Severity::Warning), "inferred");
        let unknown = with("0", "", "noeviction", 99, "master");
        assert_eq!(severity(&CHECK, &unknown), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &told(unknown, Some(false))), Some(Severity::Warning));
    }

    #[test]
    fn a_cache_an_empty_server_and_one_that_keeps_are_fine() {
        let bare = with("0", "", "noeviction", 1000, "master");
        assert_eq!(severity(&CHECK, &told(bare, Some(true))), None);
        assert_eq!(severity(&CHECK, &with("0", "", "noeviction", 0, "master")), None);
        assert_eq!(severity(&CHECK, &with("1", "", "noeviction", 1000, "master")), None);
        assert_eq!(severity(&CHECK, &with("0", "3600 1", "noeviction", 1000, "master")), None);
        let replica = with("0", "", "noeviction", 1000, "slave");
        assert!(!testing::skipped(&CHECK, &replica).is_gap());
    }

    #[test]
    fn the_fix_can_be_undone() {
        let (statements, undo) = fix(&CHECK, &with("0", "", "noeviction", 1000, "master"));
        assert_eq!(statements, ["CONFIG SET appendonly yes", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET appendonly no", "CONFIG REWRITE"]);
    }
}
