//! Less resident memory than data: part of the data is in swap.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `used_memory_rss` against `used_memory`.
pub static CHECK: Check = Check {
    id: "redis-swapping",
    title: "Data in swap",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["host"],
    thresholds: &[&RESIDENT, &MIN_USED],
    fix: None,
    explain: "\
## What it detects
Resident memory below `resident_ratio` of `used_memory`, on a server that uses more than
`min_used_bytes`. Silent where the machine is known to have no swap.

## Why it matters
A value that has to be read back from disk takes milliseconds, and all clients wait behind it, since one
thread runs all commands.

## How to fix
Find what else takes the machine's memory, lower `maxmemory` below what is really there, or move the server.
`vm.swappiness=1` keeps the kernel from swapping early.

## When to ignore
Compressed memory (zram) counts as swap and is only a little slower.

## References
Redis documentation: Diagnosing latency issues, Latency induced by swapping.
",
    run: Run::Redis(run),
};

static RESIDENT: Threshold = Threshold {
    key: "resident_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.1, 1.0),
    why: "a tenth missing is more than untouched buffers explain",
};

static MIN_USED: Threshold = Threshold {
    key: "min_used_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (5_242_880.0, 1e13),
    why: "ratios of small numbers mean nothing",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, host) = (redis.info()?, redis.host());
    let used = facts::number(info, "used_memory")?;
    let resident = facts::number(info, "used_memory_rss")?;
    let name = redis.name();
    let limit = cx.limit_for(&RESIDENT, name);
    if used <= cx.limit_for(&MIN_USED, name) || resident <= 0.0 || resident / used >= limit {
        return Ok(Vec::new());
    }
    let memory = host.and_then(|host| host.memory.value());
    if memory.is_some_and(|memory| memory.swap_total_bytes == 0) {
        return Ok(Vec::new());
    }
    let missing = used - resident;
    let mut finding = cx
        .finding(
            Severity::Critical,
            facts::server(redis),
            format!(
                "only {} of {} in use are in memory: {} are swapped out",
                words::bytes(resident),
                words::bytes(used),
                words::bytes(missing)
            ),
            "Find what takes the machine's memory. Lower maxmemory below what is really there, or \
             move the server to a larger machine.",
        )
        .with(
            Evidence::new("resident share", resident / used, Unit::Ratio, "INFO memory")
                .against(limit),
        )
        .with(Evidence::new("used_memory_rss", resident, Unit::Bytes, "INFO memory"))
        .with(
            Evidence::new("used_memory", used, Unit::Bytes, "INFO memory")
                .against(cx.limit_for(&MIN_USED, name)),
        );
    if let Some(memory) = memory {
        let taken = memory.swap_total_bytes - memory.swap_free_bytes;
        finding = finding.with(Evidence::new("swap in use", taken, Unit::Bytes, "/proc/meminfo"));
    }
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Snapshot, TargetData,
        host::{HostSnapshot, Memory},
    };

    use super::*;
    use crate::{
        redis::fixture::{built, severity},
        testing::{self, edit},
    };

    fn with(rss: &str, used: &str) -> Snapshot {
        built(&[("used_memory_rss", rss), ("used_memory", used)], &[])
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(&CHECK, &with("180000000", "200000000")), None);
        assert_eq!(severity(&CHECK, &with("179999999", "200000000")), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("50000000", "104857600")), None);
        assert_eq!(severity(&CHECK, &with("50000000", "104857601")), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("0", "200000000")), None, "not measured");
    }

    #[test]
    fn a_machine_without_swap_cannot_swap() {
        let of = |swap| {
            let mut snapshot = with("100000000", "200000000");
            let mut host = testing::healthy_host();
            *edit(&mut host.memory) = Memory { swap_total_bytes: swap, ..Memory::default() };
            let host = HostSnapshot { host, serves: vec!["cache".to_owned()] };
            snapshot.targets.push(testing::target("host", TargetData::Host(Box::new(host))));
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of(0), None);
        assert_eq!(of(1 << 30), Some(Severity::Critical));
    }
}
