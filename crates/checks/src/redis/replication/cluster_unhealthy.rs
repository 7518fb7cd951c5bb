//! A cluster that cannot serve all its slots.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
};

/// `CLUSTER INFO`.
pub static CHECK: Check = Check {
    id: "redis-cluster-unhealthy",
    title: "Cluster is not healthy",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["cluster"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
As this node sees it: the state of the cluster is not `ok`, slots have no node, or slots belong to nodes that failed. A
warning while nodes are only suspected to have failed.

## Why it matters
Keys in those slots cannot be read or written. With `cluster-require-full-coverage yes` (the default) no key can.

## How to fix
`CLUSTER NODES` names the nodes that failed: bring them back, promote a replica, or give their slots to others. Slots
without a node are assigned with `redis-cli --cluster fix`.

## When to ignore
While a cluster is being built.

## References
Redis documentation: Scaling with Redis Cluster; CLUSTER INFO.
",
    run: Run::Redis(run),
};

/// Slots of every cluster.
const ALL_SLOTS: f64 = 16_384.0;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let cluster = redis.cluster()?;
    let Some(state) = cluster.get("cluster_state") else {
        return Err(Skip::not_applicable("CLUSTER INFO has no state"));
    };
    let slots = |name: &str| cluster.get(name).and_then(|text| text.parse::<f64>().ok());
    let assigned = slots("cluster_slots_assigned").unwrap_or(ALL_SLOTS);
    let failed = slots("cluster_slots_fail").unwrap_or(0.0);
    let suspected = slots("cluster_slots_pfail").unwrap_or(0.0);
    let missing = (ALL_SLOTS - assigned).max(0.0);
    let is_broken = state != "ok" || missing > 0.0 || failed > 0.0;
    if !is_broken && suspected <= 0.0 {
        return Ok(Vec::new());
    }
    let severity = if is_broken { Severity::Critical } else { Severity::Warning };
    let finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!(
                "the cluster is {state}: {missing:.0} slots without a node, {failed:.0} on failed \
                 nodes, {suspected:.0} on suspected ones"
            ),
            "Find the failed nodes with CLUSTER NODES, bring them back or promote their replicas.",
        )
        .with(Evidence::new("cluster_state", state.as_str(), Unit::Text, "CLUSTER INFO"))
        .with(
            Evidence::new("slots assigned", assigned, Unit::Count, "CLUSTER INFO")
                .against(ALL_SLOTS),
        )
        .with(Evidence::new("slots failed", failed, Unit::Count, "CLUSTER INFO"))
        .with(Evidence::new("slots suspected", suspected, Unit::Count, "CLUSTER INFO"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::{
        redis::fixture::{built_with, severity},
        testing::{self, edit},
    };

    fn with(state: &str, assigned: &str, failed: &str, suspected: &str) -> Snapshot {
        built_with(&[], &[], |redis| {
            let pairs = [
                ("cluster_state", state),
                ("cluster_slots_assigned", assigned),
                ("cluster_slots_fail", failed),
                ("cluster_slots_pfail", suspected),
            ];
            let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            *edit(&mut redis.cluster) = owned.into();
        })
    }

    #[test]
    fn every_slot_must_be_served() {
        assert_eq!(severity(&CHECK, &with("ok", "16384", "0", "0")), None);
        assert_eq!(severity(&CHECK, &with("ok", "16384", "0", "5")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("ok", "16384", "5", "0")), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("ok", "16383", "0", "0")), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("fail", "16384", "0", "0")), Some(Severity::Critical));
    }

    #[test]
    fn a_single_server_is_no_cluster() {
        let single = built_with(&[], &[], |redis| {
            redis.cluster = Section::unavailable(Reason::NotApplicable, "cluster mode is off");
        });
        assert!(!testing::skipped(&CHECK, &single).is_gap());
    }
}
