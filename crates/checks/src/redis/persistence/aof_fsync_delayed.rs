//! Writes that had to wait for the disk.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{counted::counted, facts},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `aof_delayed_fsync`.
pub static CHECK: Check = Check {
    id: "redis-aof-fsync-delayed",
    title: "Append-only file waits for the disk",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&MIN_DELAYED, &PER_HOUR],
    fix: None,
    explain: "\
## What it detects
`aof_delayed_fsync`: the append-only file was to be written while the previous sync had not ended for two seconds, so the
server stood still until it had. Any in a window; without one at least `min_delayed` since the start, and more than
`per_hour` an hour.

## Why it matters
Each is a standstill of the whole server, and a crash then loses more than the second that `appendfsync everysec`
promises.

## How to fix
Find out what else uses the disk: snapshots, rewrites, backups, neighbours. Move the data to a faster or quieter one. Where
only rewrites are in the way and some seconds may be lost in a crash, `no-appendfsync-on-rewrite yes` helps.

## When to ignore
Single ones while a backup ran that is now done at another time.

## References
Redis documentation: Persistence; Diagnosing latency issues, Latency due to AOF and disk I/O.
",
    run: Run::Redis(run),
};

static MIN_DELAYED: Threshold = Threshold {
    key: "min_delayed",
    unit: Unit::Count,
    default: 5.0,
    strict: None,
    range: (1.0, 1e9),
    why: "one or two belong to a busy moment long ago",
};

static PER_HOUR: Threshold = Threshold {
    key: "per_hour",
    unit: Unit::PerHour,
    default: 1.0,
    strict: None,
    range: (0.0, 1e6),
    why: "a standstill of two seconds every hour is felt",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    if facts::number(info, "aof_enabled")? <= 0.0 {
        return Err(Skip::not_applicable("there is no append-only file"));
    }
    facts::number(info, "aof_delayed_fsync")?;
    let Some(delayed) = counted(redis, info, window, "aof_delayed_fsync") else {
        return Ok(Vec::new());
    };
    let name = redis.name();
    let (least, rate) = (cx.limit_for(&MIN_DELAYED, name), cx.limit_for(&PER_HOUR, name));
    let per_hour = delayed.per_second() * 3600.0;
    let is_habit = delayed.count >= least && per_hour > rate;
    if delayed.count <= 0.0 || !(delayed.in_window || is_habit) {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "the server waited {} time(s) for the disk to sync the append-only file {}",
                words::count(delayed.count),
                delayed.when()
            ),
            "Find out what else uses the disk, and move the append-only file to a faster or quieter one.",
        )
        .with(
            Evidence::new("delayed", delayed.count, Unit::Count, delayed.source("INFO persistence"))
                .against(if delayed.in_window { 0.0 } else { least }),
        )
        .with(Evidence::new("per hour", per_hour, Unit::PerHour, "INFO persistence").against(rate))
        .with(delayed.age());
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, severity, window},
        testing,
    };

    fn with(delayed: &str, uptime: i64, grown: Option<i64>) -> Snapshot {
        let info = [("aof_enabled", "1"), ("aof_delayed_fsync", delayed)];
        built_with(&info, &[], |redis| {
            redis.server.uptime_seconds = uptime;
            if let Some(grown) = grown {
                window(redis, &[("aof_delayed_fsync", grown)]);
            }
        })
    }

    #[test]
    fn any_in_a_window_and_a_habit_since_the_start() {
        assert_eq!(severity(&CHECK, &with("900", 3600, Some(0))), None);
        assert_eq!(severity(&CHECK, &with("900", 360_000, Some(1))), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("4", 3600, None)), None);
        assert_eq!(severity(&CHECK, &with("5", 3600, None)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("5", 5 * 3600, None)), None, "one an hour");
        assert_eq!(severity(&CHECK, &with("5", 4 * 3600, None)), Some(Severity::Warning));
    }

    #[test]
    fn without_the_file_there_is_no_question() {
        let off = built_with(&[("aof_enabled", "0")], &[], |_| {});
        assert!(!testing::skipped(&CHECK, &off).is_gap());
    }
}
