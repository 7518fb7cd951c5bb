//! Commands whose slowest hundredth is slow.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, redis::CommandLatency};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// 99th percentiles of `INFO latencystats`.
pub static CHECK: Check = Check {
    id: "redis-command-latency",
    title: "Slow 99th percentile",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (7, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&P99, &MIN_CALLS],
    fix: None,
    explain: "\
## What it detects
A command called at least `min_calls` times of which the slowest hundredth takes more than `p99_ms`. Commands that
wait for data by design (`BLPOP`, `XREAD BLOCK` …) are left out. The server counts since its start.

## Why it matters
Averages hide what users feel: with a hundred commands to a page, nearly every page meets the slowest hundredth.

## How to fix
Compare p50 and p99 in the evidence. Both high: the command does too much. Only p99 high: a few big keys, or
standstills of the whole server (see its latency events).

## When to ignore
Batch commands nobody waits for, on a server of their own.

## References
Redis documentation: INFO, section latencystats; LATENCY HISTOGRAM.
",
    run: Run::Redis(run),
};

static P99: Threshold = Threshold {
    key: "p99_ms",
    unit: Unit::Ms,
    default: 5.0,
    strict: None,
    range: (0.01, 1e6),
    why: "fifty times a usual command; longer than the network within a site",
};

static MIN_CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (100.0, 1e12),
    why: "the slowest hundredth of fewer calls is fewer than ten of them",
};

/// Commands that wait until there is something to answer: their time is the other side's.
const WAITING: &[&str] = &[
    "blmove",
    "blmpop",
    "blpop",
    "brpop",
    "brpoplpush",
    "bzmpop",
    "bzpopmax",
    "bzpopmin",
    "wait",
    "waitaof",
    "xread",
    "xreadgroup",
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    if info.latency_percentiles.is_empty() && !info.commands.is_empty() {
        return Err(Skip::disabled(
            "the server keeps no latency percentiles",
            "CONFIG SET latency-tracking yes",
        ));
    }
    let uptime = redis.server().uptime_seconds.max(0);
    let found = info.latency_percentiles.iter().filter_map(|latency| {
        let name = latency.name.as_str();
        let stat = info.commands.iter().find(|stat| stat.name == name)?;
        let is_slow = latency.p99_us / 1000.0 > cx.limit_for(&P99, name);
        let is_common = stat.calls as f64 >= cx.limit_for(&MIN_CALLS, name);
        let waits = WAITING.binary_search(&name).is_ok();
        (is_slow && is_common && !waits).then(|| finding(cx, latency, stat.calls, uptime))
    });
    Ok(found.collect())
}

fn finding(cx: &Context<'_>, latency: &CommandLatency, calls: i64, uptime: i64) -> Finding {
    let name = latency.name.as_str();
    let [p50, p99, p999] = [latency.p50_us, latency.p99_us, latency.p999_us].map(|us| us / 1000.0);
    let advice = if p50 * 10.0 < p99 {
        "Look for big keys it meets now and then, and for standstills of the whole server."
    } else {
        "The command does too much each time: read less, or split what it reads."
    };
    let source = "INFO latencystats, since start or reset";
    cx.finding(
        Severity::Warning,
        Subject::new("command", name),
        format!("one in a hundred {name} takes more than {}", words::millis(p99)),
        advice,
    )
    .with(Evidence::new("p99", p99, Unit::Ms, source).against(cx.limit_for(&P99, name)))
    .with(Evidence::new("p50", p50, Unit::Ms, source))
    .with(Evidence::new("p99.9", p999, Unit::Ms, source))
    .with(
        Evidence::new("calls", calls, Unit::Count, "INFO commandstats")
            .against(cx.limit_for(&MIN_CALLS, name)),
    )
    .with(Evidence::new("age of the counters", uptime, Unit::Seconds, "INFO server"))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::CommandStat};

    use super::*;
    use crate::{
        redis::fixture::{built_with, edited, severity},
        testing::{self, edit},
    };

    fn with(name: &str, p99_us: f64, calls: i64) -> Snapshot {
        built_with(&[], &[], |redis| {
            let info = edit(&mut redis.info);
            let latency = CommandLatency { name: name.into(), p99_us, ..CommandLatency::default() };
            info.latency_percentiles = vec![latency];
            info.commands = vec![CommandStat { name: name.into(), calls, ..Default::default() }];
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(severity(&CHECK, &with("hgetall", 5000.0, 1000)), None);
        assert_eq!(severity(&CHECK, &with("hgetall", 5001.0, 1000)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("hgetall", 5001.0, 999)), None);
    }

    #[test]
    fn waiting_is_no_latency() {
        assert!(WAITING.is_sorted());
        assert_eq!(severity(&CHECK, &with("blpop", 9_000_000.0, 99_999)), None);
    }

    #[test]
    fn says_how_to_switch_it_on() {
        let snapshot = edited(with("get", 1.0, 1), |redis| {
            edit(&mut redis.info).latency_percentiles.clear();
        });
        let skip = testing::skipped(&CHECK, &snapshot);
        assert_eq!(skip.0.remedy.as_deref(), Some("CONFIG SET latency-tracking yes"));
    }
}
