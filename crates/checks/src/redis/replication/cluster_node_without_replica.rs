//! A node of a cluster that nobody can stand in for.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// A primary without replicas, in cluster mode.
pub static CHECK: Check = Check {
    id: "redis-cluster-node-without-replica",
    title: "Cluster node without a replica",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info", "cluster"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A primary of a working cluster of several nodes that has no connected replica.

## Why it matters
When it fails nobody takes over its slots: their keys are out of reach, and with `cluster-require-full-coverage yes` (the
default) the whole cluster refuses to work.

## How to fix
Add a replica (`redis-cli --cluster add-node … --cluster-slave`), on another machine. `cluster-migration-barrier` lets
nodes with two replicas lend one.

## When to ignore
A cluster that holds nothing but what can be rebuilt, with `cluster-require-full-coverage no`.

## References
Redis documentation: Scale with Redis Cluster; Cluster specification, Replica migration.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, cluster) = (redis.info(), redis.cluster());
    let (info, cluster) = (info?, cluster?);
    let number = |name: &str| cluster.get(name).and_then(|value| value.parse::<f64>().ok());
    if facts::is_replica(redis, info) {
        return Err(Skip::not_applicable("a replica serves no slots of its own"));
    }
    let (nodes, size) = (number("cluster_known_nodes"), number("cluster_size"));
    let (Some(nodes), Some(size)) = (nodes, size) else {
        return Err(Skip::not_applicable("CLUSTER INFO has no cluster_size"));
    };
    let replicas = facts::number(info, "connected_slaves")?;
    if nodes < 2.0 || size < 1.0 || replicas > 0.0 {
        return Ok(Vec::new());
    }
    let keys = facts::keys(info).0;
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "no replica stands in for this node: its {} keys go with it",
                words::count(keys)
            ),
            "Add a replica on another machine.",
        )
        .with(Evidence::new("replicas", replicas, Unit::Count, "INFO replication").against(1.0))
        .with(Evidence::new("keys", keys, Unit::Count, "INFO keyspace"))
        .with(Evidence::new("nodes known", nodes, Unit::Count, "CLUSTER INFO"))
        .with(Evidence::new("primaries with slots", size, Unit::Count, "CLUSTER INFO"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Keyspace};

    use super::*;
    use crate::{
        redis::fixture::{built_with, severity},
        testing::{self, edit},
    };

    fn with(role: &str, replicas: &str, nodes: &str) -> Snapshot {
        built_with(&[("role", role), ("connected_slaves", replicas)], &[], |redis| {
            edit(&mut redis.info).keyspace = vec![Keyspace { keys: 5, ..Keyspace::default() }];
            let cluster = edit(&mut redis.cluster);
            cluster.insert("cluster_known_nodes".into(), nodes.into());
            cluster.insert("cluster_size".into(), "3".into());
        })
    }

    #[test]
    fn a_primary_of_several_needs_one() {
        assert_eq!(severity(&CHECK, &with("master", "0", "6")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("master", "1", "6")), None);
        assert_eq!(severity(&CHECK, &with("master", "0", "1")), None, "a cluster of one");
        assert!(!testing::skipped(&CHECK, &with("slave", "0", "6")).is_gap());
    }
}
