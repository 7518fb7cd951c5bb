//! Replicas that confirm late.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// Seconds since each replica's last acknowledgement, as its primary sees it.
pub static CHECK: Check = Check {
    id: "redis-replica-lag",
    title: "Replica lags",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&LAG],
    fix: None,
    explain: "\
## What it detects
A replica that is online and whose last acknowledgement is older than `lag_seconds`. Replicas acknowledge once a
second, whether there is anything to write or not, so an idle primary gives no false lag.

## Why it matters
Readers of that replica see the past, and if it takes over, what it lacks is lost.

## How to fix
Look at the replica: a slow command, a slow disk, a full network. The bytes behind in the evidence say whether the
backlog will reach.

## When to ignore
While it loads its first copy.

## References
Redis documentation: Replication; INFO, section replication.
",
    run: Run::Redis(run),
};

static LAG: Threshold = Threshold {
    key: "lag_seconds",
    unit: Unit::Seconds,
    default: 10.0,
    strict: None,
    range: (1.0, 1e6),
    why: "ten acknowledgements missed, and the default of min-replicas-max-lag",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    if facts::is_replica(redis, info) && info.replicas.is_empty() {
        return Err(Skip::not_applicable("seen from the primary"));
    }
    let written = info.int("master_repl_offset");
    let backlog = info.number("repl_backlog_size");
    let mut found = Vec::new();
    for replica in info.replicas.iter().filter(|replica| replica.state == "online") {
        let name = format!("{}:{}", replica.address, replica.port);
        let (lag, limit) = (replica.lag_seconds as f64, cx.limit_for(&LAG, &name));
        if lag <= limit {
            continue;
        }
        let mut finding = cx
            .finding(
                Severity::Warning,
                Subject::new("replica", &name),
                format!("replica {name} has not acknowledged for {}", words::seconds(lag)),
                "Look at the replica: slow commands, its disk, the network between.",
            )
            .with(Evidence::new("lag", lag, Unit::Seconds, "INFO replication").against(limit));
        if let Some(behind) = written.and_then(|written| written.checked_sub(replica.offset)) {
            let behind =
                Evidence::new("bytes behind", behind.max(0), Unit::Bytes, "INFO replication");
            finding = finding.with(match backlog {
                Some(backlog) => behind.against(backlog),
                None => behind,
            });
        }
        found.push(finding);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Replica};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::{self, edit},
    };

    fn with(lag_seconds: i64, state: &str) -> Snapshot {
        let info = [("role", "master"), ("master_repl_offset", "900"), ("repl_backlog_size", "10")];
        built_with(&info, &[], |redis| {
            edit(&mut redis.info).replicas = vec![Replica {
                address: "10.0.0.2".into(),
                port: 6379,
                state: state.into(),
                offset: 100,
                lag_seconds,
            }];
        })
    }

    #[test]
    fn the_threshold_has_two_sides_and_only_online_replicas_count() {
        assert_eq!(severity(&CHECK, &with(10, "online")), None);
        assert_eq!(severity(&CHECK, &with(11, "online")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(900, "wait_bgsave")), None);
    }

    #[test]
    fn tells_how_far_behind_it_is() {
        let found = only(&CHECK, &with(11, "online"));
        assert_eq!(found.key, "redis-replica-lag@cache/replica:10.0.0.2:6379");
        assert_eq!(found.evidence[1].value, 800_i64.into());
        assert_eq!(found.evidence[1].threshold, Some(10.0.into()));
    }

    #[test]
    fn a_replica_cannot_see_its_own_lag() {
        let replica = built_with(&[("role", "slave")], &[], |_| {});
        assert!(!testing::skipped(&CHECK, &replica).is_gap());
    }
}
