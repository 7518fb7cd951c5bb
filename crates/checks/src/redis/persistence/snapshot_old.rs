//! No snapshot for long, although data changed.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{
        facts,
        persistence::{save_failing::age_of_last_save, save_points},
    },
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `rdb_last_save_time` and `rdb_changes_since_last_save`.
pub static CHECK: Check = Check {
    id: "redis-snapshot-old",
    title: "Old snapshot",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[&AGE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
The last good snapshot is older than `age_seconds` although data have changed since, on a server without
append-only file that takes snapshots.

## Why it matters
A crash loses everything since. Save points can be such that a slow trickle of changes never reaches them.

## How to fix
`BGSAVE` now, and a save point by time, such as `3600 1`: within an hour of any change.

## When to ignore
Data that can be rebuilt, when the restart may begin empty.

## References
Redis documentation: Persistence, Snapshotting.
",
    run: Run::Redis(run),
};

static AGE: Threshold = Threshold {
    key: "age_seconds",
    unit: Unit::Seconds,
    default: 86_400.0,
    strict: None,
    range: (60.0, 1e9),
    why: "a day is the interval of most backups; the server's own save points are at most an hour apart",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let changes = facts::number(info, "rdb_changes_since_last_save")?;
    if info.int("aof_enabled") == Some(1) {
        return Err(Skip::not_applicable("the append-only file keeps the data"));
    }
    // The time of a server that never saved is its start: without save points that means nothing.
    let has_saved = info.number("rdb_saves").is_some_and(|saves| saves > 0.0);
    if save_points::is_on(config) == Some(false) && !has_saved {
        return Err(Skip::not_applicable("the server takes no snapshots"));
    }
    let Some(age) = age_of_last_save(redis, info) else {
        return Err(Skip::not_applicable("INFO has no time of the last snapshot"));
    };
    let limit = cx.limit_for(&AGE, redis.name());
    if age <= limit || changes <= 0.0 {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "the last snapshot is {} old, and {} changes have come since",
                words::seconds(age),
                words::count(changes)
            ),
            "Take a snapshot, and set a save point by time.",
        )
        .with(
            Evidence::new("age of the snapshot", age, Unit::Seconds, "INFO persistence")
                .against(limit),
        )
        .with(Evidence::new("changes since", changes, Unit::Count, "INFO persistence"));
    let fix = Fix::new(FixKind::Review, ["BGSAVE".to_owned()])
        .locking("none", "every command while the process forks");
    Ok(vec![finding.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity},
        testing,
    };

    fn with(age: i64, changes: &str, save: &str, more: &[(&str, &str)]) -> Snapshot {
        let saved = testing::ago(age).unwrap().as_second().to_string();
        let mut info =
            vec![("rdb_changes_since_last_save", changes), ("rdb_last_save_time", saved.as_str())];
        info.extend(more);
        built(&info, &[("save", save)])
    }

    #[test]
    fn the_threshold_has_two_sides_and_needs_a_change() {
        assert_eq!(severity(&CHECK, &with(86_400, "5", "3600 1", &[])), None);
        let old = with(86_401, "5", "3600 1", &[]);
        assert_eq!(severity(&CHECK, &old), Some(Severity::Warning));
        assert_eq!(fix(&CHECK, &old).0, ["BGSAVE"]);
        assert_eq!(severity(&CHECK, &with(900_000, "0", "3600 1", &[])), None);
    }

    #[test]
    fn a_server_without_snapshots_has_no_old_one() {
        let off = with(900_000, "5", "", &[("rdb_saves", "0")]);
        assert!(!testing::skipped(&CHECK, &off).is_gap());
        let by_hand = with(900_000, "5", "", &[("rdb_saves", "3")]);
        assert_eq!(severity(&CHECK, &by_hand), Some(Severity::Warning));
        let logged = with(900_000, "5", "3600 1", &[("aof_enabled", "1")]);
        assert!(!testing::skipped(&CHECK, &logged).is_gap());
    }
}
