//! Snapshots that follow one another too closely.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts, persistence::save_points},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `save`, against a floor and the time a snapshot takes.
pub static CHECK: Check = Check {
    id: "redis-config-save",
    title: "Setting: save",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["info"],
    thresholds: &[&SHORTEST],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A save point of fewer than `min_seconds`, or of less time than the last snapshot took.

## Why it matters
The server then forks and writes everything again and again, whatever has changed, and hardly ever rests in between.

## How to fix
Keep save points apart. Whoever wants less loss than minutes needs the append-only file, not more snapshots.

## When to ignore
Tiny data sets.

## References
Redis documentation: Persistence, Snapshotting.
",
    run: Run::Redis(run),
};

static SHORTEST: Threshold = Threshold {
    key: "min_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (1.0, 86_400.0),
    why: "the shortest of the save points the server is shipped with",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info) = (redis.config()?, redis.info().ok());
    let save = facts::setting(config, "save")?;
    let points = save_points::parse(save);
    let Some(shortest) = points.iter().map(|(seconds, _)| *seconds).reduce(f64::min) else {
        return Err(Skip::not_applicable("the server takes no snapshots by time"));
    };
    let took = info.and_then(|info| info.number("rdb_last_bgsave_time_sec")).unwrap_or(-1.0);
    let limit = cx.limit(&SHORTEST);
    if shortest >= limit && shortest > took {
        return Ok(Vec::new());
    }
    let message = if shortest < limit {
        format!("snapshots may follow one another every {}", words::seconds(shortest))
    } else {
        format!("a snapshot takes {}, and the next is due before", words::seconds(took))
    };
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("save"),
            message,
            "Keep save points apart; use the append-only file where minutes of loss are too much.",
        )
        .with(
            Evidence::new("shortest save point", shortest, Unit::Seconds, "CONFIG GET save")
                .against(limit),
        )
        .with(Evidence::new("last snapshot took", took, Unit::Seconds, "INFO persistence"));
    if took >= 60.0 {
        // The shipped save points would be too close as well: a person must choose.
        return Ok(vec![finding]);
    }
    let changes = [("save", save_points::DEFAULT)];
    Ok(vec![config_fix::set(finding, FixKind::Review, info, Some(config), &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, only, severity},
        testing,
    };

    fn with(save: &str, took: &str) -> Snapshot {
        built(&[("rdb_last_bgsave_time_sec", took)], &[("save", save)])
    }

    #[test]
    fn points_must_be_apart_and_longer_than_a_snapshot() {
        assert_eq!(severity(&CHECK, &with("3600 1 300 100 60 10000", "-1")), None);
        assert_eq!(severity(&CHECK, &with("3600 1 59 1", "-1")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("300 1", "299")), None);
        assert_eq!(severity(&CHECK, &with("300 1", "300")), Some(Severity::Info));
        assert!(only(&CHECK, &with("300 1", "300")).fix.is_none(), "a person must choose");
        assert!(!testing::skipped(&CHECK, &with("", "0")).is_gap());
    }

    #[test]
    fn the_fix_is_what_the_server_is_shipped_with() {
        let (statements, undo) = fix(&CHECK, &with("5 1", "0"));
        assert_eq!(statements, ["CONFIG SET save \"3600 1 300 100 60 10000\"", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET save \"5 1\"", "CONFIG REWRITE"]);
    }
}
