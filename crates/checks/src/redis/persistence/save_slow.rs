//! Snapshots that take long.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `rdb_last_bgsave_time_sec`.
pub static CHECK: Check = Check {
    id: "redis-save-slow",
    title: "Snapshot takes long",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
The last snapshot took `warning_seconds` (or `critical_seconds`) or more, or the one under way does already.

## Why it matters
While it is written, every page that changes is copied: memory grows, the disk is busy, a full copy to a replica has to
wait, and what is written since the last one is at risk.

## How to fix
Look at what the disk does meanwhile and at the size of the data. Take snapshots on a replica, or less often; split what is
too large for one server.

## When to ignore
A large archive whose snapshots are meant to take their time.

## References
Redis documentation: Persistence; INFO, section persistence.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 600.0,
    strict: None,
    range: (0.0, 1e6),
    why: "ten minutes write tens of gigabytes to any disk worth the name",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 1200.0,
    strict: None,
    range: (0.0, 1e6),
    why: "twice that: snapshots by time begin to follow one another without a pause",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    let last = facts::number(info, "rdb_last_bgsave_time_sec")?;
    let current = info.number("rdb_current_bgsave_time_sec").unwrap_or(-1.0);
    let longest = last.max(current);
    // None was taken yet: -1.
    if longest < 0.0 {
        return Ok(Vec::new());
    }
    let Some(severity) = cx.above(longest, &WARNING, &CRITICAL, redis.name()) else {
        return Ok(Vec::new());
    };
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let what =
        if current > last { "the snapshot under way has taken" } else { "the last snapshot took" };
    let mut finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!("{what} {}", words::seconds(longest)),
            "Look at the disk while it is written; take snapshots on a replica, or less often.",
        )
        .with(
            Evidence::new("time", longest, Unit::Seconds, "INFO persistence")
                .against(cx.limit_for(limit, redis.name())),
        );
    for (label, field) in
        [("memory copied meanwhile", "rdb_last_cow_size"), ("memory used", "used_memory")]
    {
        if let Some(bytes) = info.number(field) {
            finding =
                finding.with(Evidence::new(label, bytes, Unit::Bytes, format!("INFO {field}")));
        }
    }
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, only, severity};

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |last, current| {
            let info =
                [("rdb_last_bgsave_time_sec", last), ("rdb_current_bgsave_time_sec", current)];
            built(&info, &[])
        };
        assert_eq!(severity(&CHECK, &of("-1", "-1")), None, "never");
        assert_eq!(severity(&CHECK, &of("599", "-1")), None);
        assert_eq!(severity(&CHECK, &of("600", "-1")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &of("1199", "-1")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &of("1200", "-1")), Some(Severity::Critical));
        let running = of("5", "700");
        assert_eq!(only(&CHECK, &running).message, "the snapshot under way has taken 12 min");
    }
}
