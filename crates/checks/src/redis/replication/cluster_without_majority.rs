//! A cluster too small to agree on a failover.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
};

/// `cluster_size`.
pub static CHECK: Check = Check {
    id: "redis-cluster-without-majority",
    title: "Cluster cannot fail over",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["cluster"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A cluster of more than one node in which fewer than three primaries serve slots.

## Why it matters
Primaries vote on who takes over. With two of them the loss of either leaves no majority: no replica is promoted, whatever
number of them there is.

## How to fix
Spread the slots over three primaries at least (`redis-cli --cluster rebalance … --cluster-use-empty-masters`), on three
machines. For a single primary with replicas use Sentinel instead of a cluster.

## When to ignore
A cluster that is being built or taken down.

## References
Redis documentation: Scale with Redis Cluster; Cluster specification, Replica election and promotion.
",
    run: Run::Redis(run),
};

/// Primaries of which one may be lost and a majority is left.
const ENOUGH: f64 = 3.0;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let cluster = redis.cluster()?;
    let number = |name: &str| {
        let value = cluster.get(name).and_then(|value| value.parse::<f64>().ok());
        value.ok_or_else(|| Skip::not_applicable(format!("CLUSTER INFO has no {name}")))
    };
    let (size, nodes) = (number("cluster_size")?, number("cluster_known_nodes")?);
    if size >= ENOUGH || nodes < 2.0 || size < 1.0 {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!("only {size:.0} primaries serve slots: the loss of one leaves no majority to replace it"),
            "Spread the slots over three primaries at least, on three machines; for a single primary use Sentinel.",
        )
        .with(
            Evidence::new("primaries with slots", size, Unit::Count, "CLUSTER INFO").against(ENOUGH),
        )
        .with(Evidence::new("nodes known", nodes, Unit::Count, "CLUSTER INFO"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        redis::fixture::{built_with, severity},
        testing::edit,
    };

    #[test]
    fn three_primaries_are_enough() {
        let of = |size: &str, nodes: &str| {
            let snapshot = built_with(&[], &[], |redis| {
                let cluster = edit(&mut redis.cluster);
                cluster.insert("cluster_known_nodes".into(), nodes.into());
                cluster.insert("cluster_size".into(), size.into());
            });
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of("2", "6"), Some(Severity::Warning));
        assert_eq!(of("1", "2"), Some(Severity::Warning));
        assert_eq!(of("3", "6"), None);
        assert_eq!(of("1", "1"), None, "a server alone in cluster mode");
        assert_eq!(of("0", "3"), None, "no slots yet: another check's");
    }
}
