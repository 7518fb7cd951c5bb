//! Memory that holds no data.

use dbvitals_model::{Evidence, Severity, Unit, redis::Info};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `used_memory_overhead` against `used_memory`, both without what an empty server takes.
pub static CHECK: Check = Check {
    id: "redis-memory-overhead",
    title: "Much memory holds no data",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&INFO, &MIN_USED],
    fix: None,
    explain: "\
## What it detects
More than `info_ratio` of what the server uses (beyond `min_used_bytes`, and without what an empty server
takes) is bookkeeping: the key tables, buffers of clients and replicas, the replication backlog, scripts.

## Why it matters
It counts against `maxmemory` like data. Many tiny keys cost more in tables than in values; large buffers
push keys out.

## How to fix
The largest part is named. For key tables: put small values into hashes. For clients: limit their buffers.
For the backlog: its size is a choice.

## When to ignore
Locks, counters and flags are tiny keys by nature.

## References
Redis documentation: INFO, MEMORY STATS, Memory optimization.
",
    run: Run::Redis(run),
};

static INFO: Threshold = Threshold {
    key: "info_ratio",
    unit: Unit::Ratio,
    default: 0.3,
    strict: None,
    range: (0.05, 1.0),
    why: "keys of a few hundred bytes pay less than a third for their place in the tables",
};

static MIN_USED: Threshold = Threshold {
    key: "min_used_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (5_242_880.0, 1e13),
    why: "below a hundred megabytes the saving is not worth a change of design",
};

/// Buffers that `INFO` counts as overhead, and what they are.
const BUFFERS: [(&str, &str); 5] = [
    ("mem_clients_normal", "client buffers"),
    ("mem_clients_slaves", "replica buffers"),
    ("mem_replication_backlog", "replication backlog"),
    ("mem_aof_buffer", "append-only file buffer"),
    ("used_memory_scripts", "scripts and functions"),
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    let startup = facts::number(info, "used_memory_startup")?;
    let used = facts::number(info, "used_memory")? - startup;
    let overhead = facts::number(info, "used_memory_overhead")? - startup;
    let name = redis.name();
    let (limit, least) = (cx.limit_for(&INFO, name), cx.limit_for(&MIN_USED, name));
    if used <= 0.0 || used < least || overhead / used <= limit {
        return Ok(Vec::new());
    }
    let parts = parts(info, overhead);
    let (largest, size) = parts.first().map_or(("key tables", overhead), |(what, n)| (*what, *n));
    let advice = match largest {
        "key tables" => "Put small values that belong together into hashes, and shorten key names.",
        "client buffers" => "Limit client output buffers, and read less per command.",
        _ => "Reduce the largest part, or count it when choosing maxmemory.",
    };
    let finding = cx
        .finding(
            Severity::Info,
            facts::server(redis),
            format!(
                "{} of the memory in use holds no data; most of it: {largest} ({})",
                words::percent(overhead / used),
                words::bytes(size)
            ),
            advice,
        )
        .with(Evidence::new("overhead", overhead / used, Unit::Ratio, "INFO memory").against(limit))
        .with(
            Evidence::new("used beyond an empty server", used, Unit::Bytes, "INFO memory")
                .against(least),
        );
    let add = |finding: dbvitals_model::Finding, (what, n): (&'static str, f64)| {
        finding.with(Evidence::new(what, n, Unit::Bytes, "INFO memory"))
    };
    Ok(vec![parts.into_iter().fold(finding, add)])
}

/// The parts of the overhead, largest first; what is no buffer is the tables of keys.
fn parts(info: &Info, overhead: f64) -> Vec<(&'static str, f64)> {
    let size = |(field, what): (&str, &'static str)| Some((what, info.number(field)?));
    let mut parts: Vec<_> =
        BUFFERS.into_iter().filter_map(size).filter(|(_, n)| *n > 0.0).collect();
    let buffers: f64 = parts.iter().map(|(_, n)| n).sum();
    parts.push(("key tables", (overhead - buffers).max(0.0)));
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    parts
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::redis::fixture::{built, only, severity};

    fn with(used: &str, overhead: &str, clients: &str) -> Snapshot {
        let info = [
            ("used_memory", used),
            ("used_memory_overhead", overhead),
            ("used_memory_startup", "1000000"),
            ("mem_clients_normal", clients),
        ];
        built(&info, &[])
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |used, overhead| severity(&CHECK, &with(used, overhead, "0"));
        assert_eq!(of("201000000", "61000000"), None);
        assert_eq!(of("201000000", "61000001"), Some(Severity::Info));
        assert_eq!(of("105857599", "90000000"), None);
        assert_eq!(of("105857600", "90000000"), Some(Severity::Info));
    }

    #[test]
    fn names_the_largest_part() {
        let keys = only(&CHECK, &with("201000000", "101000000", "10000000"));
        assert!(keys.message.contains("key tables (86 MB)"), "{}", keys.message);
        let clients = only(&CHECK, &with("201000000", "101000000", "90000000"));
        assert!(clients.message.contains("client buffers (86 MB)"), "{}", clients.message);
    }
}
