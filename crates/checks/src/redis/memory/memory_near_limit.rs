//! Memory close to `maxmemory`.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Unit,
    host::Host,
    redis::{Config, Info},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
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
    uses: &["config", "host"],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`used_memory` at or above `warning_ratio` (or `critical_ratio`) of `maxmemory`. With an `allkeys-*`
policy, on a server that was not called a store, this is only information: such a cache runs full by
design.

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

/// How far a raised limit goes beyond the old one.
const RAISE: f64 = 1.5;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config, host) = (redis.info()?, redis.config().ok(), redis.host());
    let (used, max) = (facts::number(info, "used_memory")?, facts::number(info, "maxmemory")?);
    if max <= 0.0 {
        return Err(Skip::not_applicable("maxmemory is not set"));
    }
    let Some(severity) = cx.above(used / max, &WARNING, &CRITICAL, redis.name()) else {
        return Ok(Vec::new());
    };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let policy = info.text("maxmemory_policy").unwrap_or("unknown");
    let runs_full = policy.starts_with("allkeys-") && redis.expectations().is_cache != Some(false);
    let advice = if runs_full {
        "Nothing, if it is a cache: it evicts on its own. Watch the hit ratio and the evictions."
    } else {
        "Expire or remove keys, or raise maxmemory within what the machine can hold."
    };
    let finding = cx
        .finding(
            if runs_full { Severity::Info } else { severity },
            facts::server(redis),
            format!(
                "{:.0} % of maxmemory is used: {} of {}, policy {policy}",
                used / max * 100.0,
                words::bytes(used),
                words::bytes(max)
            ),
            advice,
        )
        .with(
            Evidence::new("share of maxmemory", used / max, Unit::Ratio, "INFO memory")
                .against(cx.limit_for(threshold, redis.name())),
        )
        .with(Evidence::new("used_memory", used, Unit::Bytes, "INFO memory"))
        .with(Evidence::new("maxmemory", max, Unit::Bytes, "INFO memory"))
        .with(Evidence::new("maxmemory-policy", policy, Unit::Text, "INFO memory"));
    Ok(vec![if runs_full { finding } else { raised(finding, info, config, host, max) }])
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
        assert_eq!(severity(&CHECK, &full), Some(Severity::Info));
        assert!(only(&CHECK, &full).fix.is_none());
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

    #[test]
    fn no_limit_is_another_check_s_business() {
        let unlimited = built(&[("used_memory", "5"), ("maxmemory", "0")], &[]);
        assert!(!testing::skipped(&CHECK, &unlimited).is_gap());
    }
}
