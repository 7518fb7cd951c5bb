//! A backlog that is overwritten before a replica is back.

use dbvitals_model::{
    Evidence, FixKind, Severity, Unit,
    redis::{Info, Window},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `repl-backlog-size` against the rate of writes.
pub static CHECK: Check = Check {
    id: "redis-backlog-small",
    title: "Replication backlog is small",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["window", "config"],
    thresholds: &[&REACH, &WANTED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A primary with replicas whose backlog holds less than `reach_seconds` of writes, at the rate of the window or at the
average since the start, whichever is higher.

## Why it matters
A replica that was away for longer than the backlog reaches copies everything again: a fork, all data over the network,
and no service from it meanwhile. A short network fault should not cost that.

## How to fix
Size the backlog for `wanted_seconds` of writes, 64 MB at least. It is allocated once, and only while there are replicas.

## When to ignore
Tiny data sets, which are copied faster than anybody notices.

## References
Redis documentation: Replication, Partial resynchronization; `repl-backlog-size` in redis.conf.
",
    run: Run::Redis(run),
};

static REACH: Threshold = Threshold {
    key: "reach_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (1.0, 1e6),
    why: "restarting a replica or a switch takes about a minute",
};

static WANTED: Threshold = Threshold {
    key: "wanted_seconds",
    unit: Unit::Seconds,
    default: 120.0,
    strict: None,
    range: (1.0, 1e6),
    why: "twice the reach that is held necessary, since rates have peaks",
};

/// The least that is worth setting: it costs nothing that matters.
pub const FLOOR: f64 = 67_108_864.0;

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window, config) = (redis.info()?, redis.window().ok(), redis.config().ok());
    let size = facts::number(info, "repl_backlog_size")?;
    let replicas = facts::number(info, "connected_slaves")?;
    if replicas <= 0.0 {
        return Err(Skip::not_applicable("no replica is connected"));
    }
    let Some((rate, source)) = rate(redis, info, window) else { return Ok(Vec::new()) };
    let name = redis.name();
    let (reach, limit) = (size / rate, cx.limit_for(&REACH, name));
    if reach >= limit {
        return Ok(Vec::new());
    }
    let wanted = (rate * cx.limit_for(&WANTED, name)).max(FLOOR);
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "the backlog of {} reaches back {} only",
                words::bytes(size),
                words::seconds(reach)
            ),
            "Make it large enough for the time a replica may be away.",
        )
        .with(Evidence::new("reach", reach, Unit::Seconds, source).against(limit))
        .with(Evidence::new("writes", rate, Unit::BytesPerSecond, source))
        .with(Evidence::new("repl-backlog-size", size, Unit::Bytes, "INFO replication"))
        .with(Evidence::new("replicas", replicas, Unit::Count, "INFO replication"));
    let value = config_fix::megabytes((wanted / 1_048_576.0).ceil() * 1_048_576.0);
    let changes = [("repl-backlog-size", value.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

/// Bytes a second that go to replicas; `None` when nothing is known to be written.
fn rate(
    redis: &RedisView<'_>,
    info: &Info,
    window: Option<&Window>,
) -> Option<(f64, &'static str)> {
    let grown = window.and_then(|window| {
        let bytes = *window.counters.get("master_repl_offset")? as f64;
        Some((bytes / window.seconds, "INFO replication, over the window"))
    });
    let average = || {
        // The offset outlives a restart, input counts reads as well: the smaller is nearer the truth.
        let offset = info.number("master_repl_offset")?;
        let written =
            info.number("total_net_input_bytes").map_or(offset, |input| input.min(offset));
        let uptime = redis.server().uptime_seconds as f64;
        Some((written / uptime, "INFO replication, average since the start"))
    };
    // A quiet window proves no quiet day, nor an average a quiet hour: the busier one counts.
    let known = [grown, average()].into_iter().flatten();
    let known = known.filter(|(rate, _)| rate.is_finite() && *rate > 0.0);
    known.max_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, edited, fix, severity, window},
        testing,
    };

    fn with(offset: &str, input: &str, replicas: &str) -> Snapshot {
        let info = [
            ("repl_backlog_size", "1048576"),
            ("connected_slaves", replicas),
            ("master_repl_offset", offset),
            ("total_net_input_bytes", input),
        ];
        built_with(&info, &[("repl-backlog-size", "1048576")], |redis| {
            redis.server.uptime_seconds = 60;
        })
    }

    #[test]
    fn a_minute_of_writes_is_the_limit() {
        assert_eq!(severity(&CHECK, &with("1048576", "9999999", "1")), None);
        assert_eq!(severity(&CHECK, &with("1048577", "9999999", "1")), Some(Severity::Warning));
        assert_eq!(
            severity(&CHECK, &with("999999999", "1000", "1")),
            None,
            "offset of a past life"
        );
        assert_eq!(severity(&CHECK, &with("0", "0", "1")), None, "nothing is written");
        assert!(!testing::skipped(&CHECK, &with("9", "9", "0")).is_gap());
    }

    #[test]
    fn the_higher_rate_counts() {
        let quiet = edited(with("99999999", "99999999", "1"), |redis| {
            window(redis, &[("master_repl_offset", 0)]);
        });
        assert_eq!(severity(&CHECK, &quiet), Some(Severity::Warning), "the average counts");
        let busy = edited(with("100", "100", "1"), |redis| {
            window(redis, &[("master_repl_offset", 200_000_000)]);
        });
        let (statements, undo) = fix(&CHECK, &busy);
        assert_eq!(statements, ["CONFIG SET repl-backlog-size 2289mb", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET repl-backlog-size 1048576", "CONFIG REWRITE"]);
    }

    #[test]
    fn at_least_64_megabytes_are_offered() {
        let (statements, _) = fix(&CHECK, &with("1048577", "9999999", "1"));
        assert_eq!(statements[0], "CONFIG SET repl-backlog-size 64mb");
    }
}
