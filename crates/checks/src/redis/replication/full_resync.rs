//! Replicas that copy everything again.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{counted::counted, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// `sync_full` in a window; since the start, `sync_partial_err`: copies that a larger backlog would have saved.
pub static CHECK: Check = Check {
    id: "redis-full-resync",
    title: "Replicas copy everything again",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&PER_HOUR, &MIN_FAILED],
    fix: None,
    explain: "\
## What it detects
A full copy to a replica within the window. Without a window: at least `min_failed` replicas came back since the start
and could not go on where they had stopped, and more than `per_hour` of them an hour. The first copy of a new replica
is none of these.

## Why it matters
A full copy forks the primary, reads all data, fills the network, and leaves the replica without service while it
loads.

## How to fix
Make the backlog larger than what is written while a replica is away, and keep it (`repl-backlog-ttl`). If copies break
off and begin anew, raise the replica's limit in `client-output-buffer-limit`.

## When to ignore
When a replica was added, or was away for long.

## References
Redis documentation: Replication, Partial resynchronization.
",
    run: Run::Redis(run),
};

static PER_HOUR: Threshold = Threshold {
    key: "per_hour",
    unit: Unit::PerHour,
    default: 0.05,
    strict: None,
    range: (0.0, 1e6),
    why: "more than once a day is a habit, not an accident",
};

static MIN_FAILED: Threshold = Threshold {
    key: "min_failed",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e6),
    why: "one or two belong to maintenance",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    let field = if window.is_some() { "sync_full" } else { "sync_partial_err" };
    facts::number(info, field)?;
    let Some(copies) = counted(redis, info, window, field).filter(|c| c.count > 0.0) else {
        return Ok(Vec::new());
    };
    let name = redis.name();
    let per_hour = copies.per_second() * 3600.0;
    let (rate, least) = (cx.limit_for(&PER_HOUR, name), cx.limit_for(&MIN_FAILED, name));
    if !copies.in_window && (copies.count < least || per_hour <= rate) {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "{} full copies were sent to replicas {}",
                words::count(copies.count),
                copies.when()
            ),
            "Make the backlog larger than what is written while a replica is away.",
        )
        .with(
            Evidence::new(field, copies.count, Unit::Count, copies.source("INFO stats"))
                .against(if copies.in_window { 0.0 } else { least }),
        )
        .with(Evidence::new("per hour", per_hour, Unit::PerHour, "INFO stats").against(rate))
        .with(copies.age());
    let backlog = info.number("repl_backlog_size");
    Ok(vec![match backlog {
        Some(size) => finding.with(Evidence::new("backlog", size, Unit::Bytes, "INFO replication")),
        None => finding,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::redis::fixture::{built_with, severity, window};

    fn lifetime(failed: &str, uptime: i64) -> Snapshot {
        let info = [("sync_partial_err", failed), ("sync_full", "50")];
        built_with(&info, &[], |redis| redis.server.uptime_seconds = uptime)
    }

    #[test]
    fn a_copy_within_the_window_is_news() {
        let of = |copies| {
            let info = [("sync_full", "9"), ("sync_partial_err", "9")];
            let grown = [("sync_full", copies)];
            severity(&CHECK, &built_with(&info, &[], |redis| window(redis, &grown)))
        };
        assert_eq!(of(0), None);
        assert_eq!(of(1), Some(Severity::Warning));
    }

    #[test]
    fn since_the_start_only_a_habit_counts() {
        assert_eq!(severity(&CHECK, &lifetime("0", 60)), None, "first copies of new replicas");
        assert_eq!(severity(&CHECK, &lifetime("2", 3600)), None);
        assert_eq!(severity(&CHECK, &lifetime("3", 3600)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &lifetime("3", 60 * 3600)), None, "once in twenty hours");
        assert_eq!(severity(&CHECK, &lifetime("3", 59 * 3600)), Some(Severity::Warning));
    }
}
