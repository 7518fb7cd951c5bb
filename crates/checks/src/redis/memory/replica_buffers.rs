//! Replicas that make their primary hold much unsent data.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `mem_clients_slaves`, per replica.
pub static CHECK: Check = Check {
    id: "redis-replica-buffers",
    title: "Large replica buffers",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&PER_REPLICA],
    fix: None,
    explain: "\
## What it detects
Output buffers of replicas above `per_replica_bytes` for each connected replica.

## Why it matters
What a replica has not taken yet stays in the primary's memory. When the buffer reaches the limit of
`client-output-buffer-limit replica`, the primary closes the link, and the replica begins again with a full
copy, which fills the buffer once more.

## How to fix
Look at the replica's network, its disk while it loads, and slow commands on it. Raise the limit only when
memory allows it, and the backlog with it.

## When to ignore
While a replica loads its first copy.

## References
Redis documentation: Replication; Clients, Output buffer limits.
",
    run: Run::Redis(run),
};

static PER_REPLICA: Threshold = Threshold {
    key: "per_replica_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (1_048_576.0, 1e12),
    why: "a replica that keeps up leaves next to nothing; ten megabytes are seconds of writes",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    let total = facts::number(info, "mem_clients_slaves")?;
    let replicas = facts::number(info, "connected_slaves")?;
    let limit = cx.limit_for(&PER_REPLICA, redis.name());
    if replicas <= 0.0 || total / replicas <= limit {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "{} wait in the buffers of {replicas:.0} replica(s)",
                words::bytes(total)
            ),
            "Find out why the replica does not take it: network, disk, slow commands on the replica.",
        )
        .with(
            Evidence::new("per replica", total / replicas, Unit::Bytes, "INFO memory")
                .against(limit),
        )
        .with(Evidence::new("replica buffers", total, Unit::Bytes, "INFO memory"))
        .with(Evidence::new("replicas", replicas, Unit::Count, "INFO replication"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, severity};

    #[test]
    fn the_threshold_has_two_sides_and_counts_per_replica() {
        let of = |total, replicas| {
            let info = [("mem_clients_slaves", total), ("connected_slaves", replicas)];
            severity(&CHECK, &built(&info, &[]))
        };
        assert_eq!(of("10485760", "1"), None);
        assert_eq!(of("10485761", "1"), Some(Severity::Warning));
        assert_eq!(of("20971520", "2"), None);
        assert_eq!(of("99999999", "0"), None, "no replica");
    }
}
