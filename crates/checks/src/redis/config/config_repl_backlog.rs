//! The backlog as it is shipped.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `repl-backlog-size`, on a server with replicas.
pub static CHECK: Check = Check {
    id: "redis-config-repl-backlog",
    title: "Setting: repl-backlog-size",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config", "info"],
    uses: &[],
    thresholds: &[&SMALLEST, &WANTED],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A primary with replicas whose `repl-backlog-size` is below `min_size_bytes`: the 1 MB it is shipped with.

## Why it matters
One bulk write fills it; a replica that blinks at that moment copies everything again.

## How to fix
`wanted_size_bytes` of memory, taken once, buys minutes at usual rates. What the rate of writes needs is judged by
redis-backlog-small.

## When to ignore
Data sets of a few megabytes.

## References
Redis documentation: Replication, Partial resynchronization; `repl-backlog-size` in redis.conf.
",
    run: Run::Redis(run),
};

static SMALLEST: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (16_384.0, 1e12),
    why: "what Valkey ships with, after years of experience with 1 MB",
};

static WANTED: Threshold = Threshold {
    key: "wanted_size_bytes",
    unit: Unit::Bytes,
    default: 67_108_864.0,
    strict: None,
    range: (1_048_576.0, 1e12),
    why: "a minute at a megabyte a second, and no loss on any server with replicas",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info) = (redis.config(), redis.info());
    let (config, info) = (config?, info?);
    let size = facts::setting_number(config, "repl-backlog-size")?;
    let replicas = facts::number(info, "connected_slaves")?;
    if replicas <= 0.0 {
        return Err(Skip::not_applicable("no replica is connected"));
    }
    let limit = cx.limit(&SMALLEST);
    if size >= limit {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("repl-backlog-size"),
            format!("the replication backlog has {} only", words::bytes(size)),
            "Give it more memory, so that a short fault costs no full copy.",
        )
        .with(Evidence::new("repl-backlog-size", size, Unit::Bytes, "CONFIG GET").against(limit))
        .with(Evidence::new("replicas", replicas, Unit::Count, "INFO replication"));
    let wanted = config_fix::megabytes(cx.limit(&WANTED));
    let changes = [("repl-backlog-size", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Safe, Some(info), Some(config), &changes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity},
        testing,
    };

    #[test]
    fn matters_with_replicas_only() {
        let of = |size, replicas| {
            built(&[("connected_slaves", replicas)], &[("repl-backlog-size", size)])
        };
        assert_eq!(severity(&CHECK, &of("10485760", "1")), None);
        assert_eq!(severity(&CHECK, &of("10485759", "1")), Some(Severity::Info));
        assert!(!testing::skipped(&CHECK, &of("1048576", "0")).is_gap());
        let (statements, undo) = fix(&CHECK, &of("1048576", "1"));
        assert_eq!(statements, ["CONFIG SET repl-backlog-size 64mb", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET repl-backlog-size 1048576", "CONFIG REWRITE"]);
    }
}
