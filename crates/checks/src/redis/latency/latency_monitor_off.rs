//! The latency monitor is off.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
};

/// `latency-monitor-threshold`.
pub static CHECK: Check = Check {
    id: "redis-latency-monitor-off",
    title: "Latency monitor is off",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["info"],
    thresholds: &[&WANTED],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
`latency-monitor-threshold` is 0, the default: the server records no latency events.

## Why it matters
The slow log sees only commands. Standstills by forks, disks, expiry and eviction leave no trace without the
monitor, and it costs next to nothing.

## How to fix
Set it to `threshold_ms` or to what your users notice.

## When to ignore
When something else watches the same.

## References
Redis documentation: Latency monitoring.
",
    run: Run::Redis(run),
};

static WANTED: Threshold = Threshold {
    key: "threshold_ms",
    unit: Unit::Ms,
    default: 100.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a tenth of a second is what a user notices; only real standstills are kept",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info) = (redis.config()?, redis.info().ok());
    let present = facts::setting_number(config, "latency-monitor-threshold")?;
    if present > 0.0 {
        return Ok(Vec::new());
    }
    let wanted = format!("{:.0}", cx.limit(&WANTED));
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("latency-monitor-threshold"),
            "the latency monitor is off: standstills other than slow commands leave no trace",
            "Switch it on; it costs next to nothing.",
        )
        .with(
            Evidence::new("latency-monitor-threshold", present, Unit::Ms, "CONFIG GET")
                .against(cx.limit(&WANTED)),
        );
    let changes = [("latency-monitor-threshold", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Safe, info, Some(config), &changes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, fix, only, severity};

    #[test]
    fn zero_is_off() {
        let of = |value| built(&[], &[("latency-monitor-threshold", value)]);
        assert_eq!(severity(&CHECK, &of("0")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &of("1")), None);
        let (statements, undo) = fix(&CHECK, &of("0"));
        assert_eq!(statements, ["CONFIG SET latency-monitor-threshold 100", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET latency-monitor-threshold 0", "CONFIG REWRITE"]);
    }

    #[test]
    fn a_server_without_a_file_cannot_rewrite_it() {
        let config = [("latency-monitor-threshold", "0")];
        let found = only(&CHECK, &built(&[("config_file", "")], &config));
        assert_eq!(found.fix.unwrap().statements, ["CONFIG SET latency-monitor-threshold 100"]);
        assert!(found.recommendation.contains("lost at the next restart"));
    }
}
