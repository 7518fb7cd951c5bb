//! No `maxmemory`.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta,
    redis::{
        config_fix, facts,
        memory::{
            machine,
            memory_near_limit::{WARM_UP_SECONDS, date},
        },
    },
    skip::Judged,
    view::RedisView,
    words,
};

/// `maxmemory 0`, against the memory of the machine.
pub static CHECK: Check = Check {
    id: "redis-no-memory-limit",
    title: "No memory limit",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config", "host", "window"],
    thresholds: &[&CRITICAL, &eta::MIN_SECONDS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`maxmemory` is 0. Critical once `used_memory` passes `critical_ratio` of the machine's (or its control
group's) memory. Where memory was watched for `min_observed_seconds`, with the dates between which it fills the machine.

## Why it matters
Without a limit the data grow until the kernel swaps, or kills the server with everything in it.
A limit turns that into evictions or refused writes, which an application can survive.

## How to fix
Set `maxmemory` to what the machine can spare (three quarters where snapshots or the append-only file
are on, since a fork copies what is written meanwhile), and choose the policy on purpose.

## When to ignore
Replicas that inherit their primary's size, and servers alone in a container that may be killed at will.

## References
Redis documentation: Key eviction; Memory optimization.
",
    run: Run::Redis(run),
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: None,
    range: (0.1, 1.0),
    why: "a fork for a snapshot may copy a good part of what is used",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config, host) = (redis.info()?, redis.config().ok(), redis.host());
    let window = redis.window().ok();
    let (used, max) = (facts::number(info, "used_memory")?, facts::number(info, "maxmemory")?);
    if max > 0.0 {
        return Ok(Vec::new());
    }
    let machine = machine::total(host, info);
    let share = machine.map(|(total, _)| used / total);
    let limit = cx.limit_for(&CRITICAL, redis.name());
    let is_critical = share.is_some_and(|share| share > limit);
    // A server that was just started fills up, whatever it will need.
    let is_warm = redis.server().uptime_seconds >= WARM_UP_SECONDS;
    let full = machine
        .filter(|_| is_warm)
        .and_then(|(total, _)| date(cx, window?, (total - used).max(0.0)));
    let message = match machine {
        Some((total, _)) => format!(
            "maxmemory is not set: {} used of the machine's {}{}",
            words::bytes(used),
            words::bytes(total),
            full.map_or_else(String::new, |date| format!(
                "; at this pace it is full {}",
                date.when()
            ))
        ),
        None => format!("maxmemory is not set: {} used", words::bytes(used)),
    };
    let mut finding = cx
        .finding(
            if is_critical { Severity::Critical } else { Severity::Warning },
            facts::server(redis),
            message,
            "Set maxmemory to what the machine can spare. Check maxmemory-policy first: noeviction \
             refuses writes at the limit.",
        )
        .with(Evidence::new("used_memory", used, Unit::Bytes, "INFO memory"));
    if let Some(date) = full {
        finding = date.told(finding, Unit::Bytes, redis.server().now, "used_memory twice");
    }
    if let Some((total, source)) = machine {
        finding = finding
            .with(
                Evidence::new("share of the machine", used / total, Unit::Ratio, source)
                    .against(limit),
            )
            .with(Evidence::new("memory of the machine", total, Unit::Bytes, source));
        let wanted = total * machine::SAFE_SHARE;
        if wanted > used * 1.1 {
            let value = config_fix::megabytes(wanted);
            let changes = [("maxmemory", value.as_str())];
            finding = config_fix::set(finding, FixKind::Review, Some(info), config, &changes);
        }
    }
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Section, Snapshot, TargetData, host::Memory};

    use super::*;
    use crate::{
        redis::fixture::{built, edited, fix, only, severity},
        testing::{self, edit},
    };

    fn with(used: &str, max: &str) -> Snapshot {
        let info =
            [("used_memory", used), ("maxmemory", max), ("total_system_memory", "10485760000")];
        built(&info, &[("maxmemory", max)])
    }

    #[test]
    fn warns_and_becomes_critical_when_the_machine_fills() {
        assert_eq!(severity(&CHECK, &with("1", "0")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("7340032000", "0")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("7340032001", "0")), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("1", "100")), None);
    }

    #[test]
    fn growth_gives_the_dates_at_which_the_machine_is_full() {
        let grows = |megabytes: i64, days: f64, uptime: i64| {
            let snapshot = edited(with("1000000000", "0"), |redis| {
                redis.server.uptime_seconds = uptime;
                let window = edit(&mut redis.window);
                window.seconds = days * 86_400.0;
                window.memory_growth_bytes = Some(megabytes * 1_048_576);
            });
            only(&CHECK, &snapshot).message
        };
        assert!(grows(2000, 8.0, 900_000).contains("at this pace it is full"));
        assert!(!grows(2000, 0.01, 900_000).contains("pace"), "too short");
        assert!(!grows(0, 8.0, 900_000).contains("pace"), "it does not grow");
        assert!(!grows(2000, 0.5, 40_000).contains("pace"), "just started");
    }

    #[test]
    fn offers_three_quarters_of_the_machine() {
        let (statements, undo) = fix(&CHECK, &with("1", "0"));
        assert_eq!(statements, ["CONFIG SET maxmemory 7500mb", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET maxmemory 0", "CONFIG REWRITE"]);
        assert!(only(&CHECK, &with("9000000000", "0")).fix.is_none(), "no room to offer");
    }

    #[test]
    fn a_control_group_counts_before_the_machine() {
        let mut snapshot = with("80000000", "0");
        let mut host = testing::healthy_host();
        *edit(&mut host.memory) = Memory { total_bytes: 100_000_000, ..Memory::default() };
        host.memory = Section::collected(*host.memory.value().unwrap());
        let serves = vec!["cache".to_owned()];
        let host = dbvitals_model::host::HostSnapshot { host, serves };
        snapshot.targets.push(testing::target("host", TargetData::Host(Box::new(host))));
        assert_eq!(severity(&CHECK, &snapshot), Some(Severity::Critical));
    }
}
