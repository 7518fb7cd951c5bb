//! Memory close to `maxmemory`.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Unit,
    host::Host,
    redis::{Config, Info, Window},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta::{self, Eta, Needs, Pace},
    redis::{config_fix, facts, memory::machine},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `used_memory` against `maxmemory`.
pub static CHECK: Check = Check {
    id: "redis-memory-near-limit",
    title: "Memory near its limit",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config", "host", "window"],
    thresholds: &[&WARNING, &CRITICAL, &SOON, &eta::MIN_SECONDS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`used_memory` at or above `warning_ratio` (or `critical_ratio`) of `maxmemory`. With an `allkeys-*`
policy, on a server that was not called a store, nothing is said: such a cache runs full by design, and
is judged by what it evicts and how often it answers. Where memory was watched for `min_observed_seconds`, with the
date at which the limit is reached; within `warning_days` that is a warning, unless the server runs for less than a day.

## Why it matters
At the limit Redis evicts keys or, under `noeviction`, refuses writes with an `OOM` error.

## How to fix
Give keys a time to live, remove large ones, or raise `maxmemory` if the machine has room for it and
for the copy a fork makes.

## When to ignore
A cache that is meant to run full; watch its hit ratio and evictions instead.

## References
Redis documentation: Key eviction.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.1, 1.0),
    why: "leaves a fifth for growth until somebody looks",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.1, 1.0),
    why: "client buffers alone can take the last twentieth",
};

static SOON: Threshold = Threshold {
    key: "warning_days",
    unit: Unit::Days,
    default: 7.0,
    strict: Some(14.0),
    range: (0.0, 3650.0),
    why: "raising a limit takes minutes where the machine has room, and days where it has none",
};

/// A server that was just started fills up, whatever it will need.
pub(super) const WARM_UP_SECONDS: i64 = 86_400;
/// Growth is counted in steps of a megabyte.
const STEP_BYTES: f64 = 1_048_576.0;

/// How far a raised limit goes beyond the old one.
const RAISE: f64 = 1.5;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config, host) = (redis.info()?, redis.config().ok(), redis.host());
    let window = redis.window().ok();
    let (used, max) = (facts::number(info, "used_memory")?, facts::number(info, "maxmemory")?);
    if max <= 0.0 {
        return Err(Skip::not_applicable("maxmemory is not set"));
    }
    let policy = info.text("maxmemory_policy").unwrap_or("unknown");
    if policy.starts_with("allkeys-") && redis.expectations().is_cache != Some(false) {
        return Ok(Vec::new());
    }
    let date = window.and_then(|window| date(cx, window, max - used));
    let is_warm = redis.server().uptime_seconds >= WARM_UP_SECONDS;
    let soon = date.filter(|date| is_warm && date.latest_days <= cx.limit_for(&SOON, redis.name()));
    let by_share = cx.above(used / max, &WARNING, &CRITICAL, redis.name());
    let Some(severity) = by_share.or(soon.map(|_| Severity::Warning)) else {
        return Ok(Vec::new());
    };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!(
                "{:.0} % of maxmemory is used: {} of {}, policy {policy}{}",
                used / max * 100.0,
                words::bytes(used),
                words::bytes(max),
                soon.map_or_else(String::new, |date| format!(
                    "; at this pace the limit is reached {}",
                    date.when()
                ))
            ),
            "Expire or remove keys, or raise maxmemory within what the machine can hold.",
        )
        .with(
            Evidence::new("share of maxmemory", used / max, Unit::Ratio, "INFO memory")
                .against(cx.limit_for(threshold, redis.name())),
        )
        .with(Evidence::new("used_memory", used, Unit::Bytes, "INFO memory"))
        .with(Evidence::new("maxmemory", max, Unit::Bytes, "INFO memory"))
        .with(Evidence::new("maxmemory-policy", policy, Unit::Text, "INFO memory"));
    let finding = match date {
        Some(date) => date.told(finding, Unit::Bytes, redis.server().now, "used_memory twice"),
        None => finding,
    };
    Ok(vec![raised(finding, info, config, host, max)])
}

/// When the limit is reached.
pub(super) fn date(cx: &Context<'_>, window: &Window, left: f64) -> Option<Eta> {
    let grown = window.memory_growth_bytes? as f64;
    let pace = Pace { grown, seconds: window.seconds, steps: grown / STEP_BYTES };
    eta::eta(left, pace, Needs::of(cx, 8.0))
}

/// Offers a higher limit where the machine has room for it.
fn raised(
    finding: Finding,
    info: &Info,
    config: Option<&Config>,
    host: Option<&Host>,
    max: f64,
) -> Finding {
    let Some((total, source)) = machine::total(host, info) else { return finding };
    let finding = finding.with(Evidence::new("memory of the machine", total, Unit::Bytes, source));
    let wanted = (max * RAISE).min(total * machine::SAFE_SHARE);
    if wanted < max * 1.1 {
        return finding;
    }
    let value = config_fix::megabytes(wanted);
    let changes = [("maxmemory", value.as_str())];
    config_fix::set(finding, FixKind::Review, Some(info), config, &changes)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, only, severity, told},
        testing,
    };

    fn with(used: &str, policy: &str) -> Snapshot {
        let info = [
            ("used_memory", used),
            ("maxmemory", "1000000000"),
            ("maxmemory_policy", policy),
            ("total_system_memory", "16000000000"),
        ];
        built(&info, &[("maxmemory", "1000000000")])
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |used| severity(&CHECK, &with(used, "noeviction"));
        assert_eq!(of("799999999"), None);
        assert_eq!(of("800000000"), Some(Severity::Warning));
        assert_eq!(of("949999999"), Some(Severity::Warning));
        assert_eq!(of("950000000"), Some(Severity::Critical));
    }

    #[test]
    fn a_cache_runs_full_by_design_unless_told_otherwise() {
        let full = with("999999999", "allkeys-lru");
        assert_eq!(severity(&CHECK, &full), None);
        assert_eq!(severity(&CHECK, &told(full, Some(false))), Some(Severity::Critical));
        let volatile = with("999999999", "volatile-lru");
        assert_eq!(severity(&CHECK, &volatile), Some(Severity::Critical));
    }

    #[test]
    fn a_raise_stays_within_the_machine_and_can_be_undone() {
        let (statements, undo) = fix(&CHECK, &with("800000000", "noeviction"));
        assert_eq!(statements, ["CONFIG SET maxmemory 1430mb", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET maxmemory 1000000000", "CONFIG REWRITE"]);
        let small = built(
            &[
                ("used_memory", "900"),
                ("maxmemory", "1000"),
                ("total_system_memory", "1400"),
                ("config_file", ""),
            ],
            &[],
        );
        assert!(only(&CHECK, &small).fix.is_none(), "no room");
    }

    /// Half full, and grown by so many megabytes in so many days.
    fn growing(megabytes: i64, days: f64, policy: &str, uptime_days: i64) -> Option<Severity> {
        let mut snapshot = with("500000000", policy);
        if let dbvitals_model::TargetData::Redis(redis) = &mut snapshot.targets[0].data {
            redis.server.uptime_seconds = uptime_days * 86_400;
            let window = testing::edit(&mut redis.window);
            window.seconds = days * 86_400.0;
            window.memory_growth_bytes = Some(megabytes * 1_048_576);
        }
        testing::findings(&CHECK, &snapshot).first().map(|found| found.severity)
    }

    #[test]
    fn a_near_limit_is_told_while_there_is_room() {
        assert_eq!(growing(200, 1.0, "noeviction", 90), Some(Severity::Warning), "2.4 days");
        assert_eq!(growing(20, 1.0, "noeviction", 90), None, "24 days");
        assert_eq!(growing(200, 1.0, "allkeys-lru", 90), None, "a cache fills up");
        assert_eq!(growing(400, 0.5, "noeviction", 0), None, "it was just started");
        assert_eq!(growing(200, 0.01, "noeviction", 90), None, "a quarter of an hour");
        assert_eq!(growing(-200, 1.0, "noeviction", 90), None, "it shrinks");
    }

    #[test]
    fn no_limit_is_another_check_s_business() {
        let unlimited = built(&[("used_memory", "5"), ("maxmemory", "0")], &[]);
        assert!(!testing::skipped(&CHECK, &unlimited).is_gap());
    }
}
