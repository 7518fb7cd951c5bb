//! A snapshot that copies more than there is memory for.

use dbvitals_model::{Evidence, Severity, Unit, host::Host, redis::Info};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `rdb_last_cow_size` and `aof_last_cow_size` against the memory that is left.
pub static CHECK: Check = Check {
    id: "redis-copy-on-write-exceeds-memory",
    title: "No memory left for a snapshot",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["host"],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
The last snapshot (or rewrite of the append-only file) copied more memory than the machine has available now. Where
the machine cannot be read, more than all of its memory less what the server holds.

## Why it matters
While a child process writes, each page that changes is copied. When the memory runs out meanwhile, the machine
swaps or the kernel kills the server.

## How to fix
Lower `maxmemory`, give the machine more, take snapshots when little is written, or on a replica. Switch transparent
huge pages off: with them each changed byte copies two megabytes.

## When to ignore
When the last copy was measured during a bulk load.

## References
Redis documentation: Persistence; Administration, Linux.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, host) = (redis.info()?, redis.host());
    let sizes = ["rdb_last_cow_size", "aof_last_cow_size"].map(|name| info.number(name));
    let copied = sizes.into_iter().flatten().fold(0.0_f64, f64::max);
    if copied <= 0.0 {
        return Ok(Vec::new());
    }
    let Some((left, source)) = left(host, info) else {
        return Err(Skip::not_applicable("the memory of the machine is not known"));
    };
    if copied <= left {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Critical,
            facts::server(redis),
            format!(
                "the last snapshot copied {}, and only {} are left",
                words::bytes(copied),
                words::bytes(left)
            ),
            "Lower maxmemory or give the machine more memory. Take snapshots on a replica, or when \
             little is written.",
        )
        .with(Evidence::new("copied", copied, Unit::Bytes, "INFO persistence").against(left))
        .with(Evidence::new("memory left", left, Unit::Bytes, source));
    Ok(vec![finding])
}

/// Memory that a child process could take. Without sight of the machine at most this can be left.
fn left(host: Option<&Host>, info: &Info) -> Option<(f64, &'static str)> {
    if let Some(memory) = host.and_then(|host| host.memory.value()) {
        return Some((memory.available_bytes as f64, "/proc/meminfo, available"));
    }
    let total = info.number("total_system_memory").filter(|total| *total > 0.0)?;
    let held = info.number("used_memory_rss")?;
    Some(((total - held).max(0.0), "INFO memory, all less resident"))
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

    fn with(copied: &str) -> Snapshot {
        let info = [
            ("rdb_last_cow_size", copied),
            ("aof_last_cow_size", "0"),
            ("total_system_memory", "1000"),
            ("used_memory_rss", "600"),
        ];
        built(&info, &[])
    }

    #[test]
    fn what_is_left_is_the_limit() {
        assert_eq!(severity(&CHECK, &with("0")), None, "never saved");
        assert_eq!(severity(&CHECK, &with("400")), None);
        assert_eq!(severity(&CHECK, &with("401")), Some(Severity::Critical));
    }

    #[test]
    fn the_machine_knows_better() {
        let mut snapshot = with("300");
        let mut host = testing::healthy_host();
        *edit(&mut host.memory) = Memory { available_bytes: 299, ..Memory::default() };
        let host = HostSnapshot { host, serves: vec!["cache".to_owned()] };
        snapshot.targets.push(testing::target("host", TargetData::Host(Box::new(host))));
        assert_eq!(severity(&CHECK, &snapshot), Some(Severity::Critical));
    }
}
