//! Checkpoints that follow each other too closely.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit, pg::instance::Settings};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{
        cache::checkpoint::{self, MIN_CHECKPOINTS},
        setting_change,
    },
    skip::Judged,
    view::PgView,
    words,
};

/// Mean time between two checkpoints.
pub static CHECK: Check = Check {
    id: "pg-checkpoints-too-frequent",
    title: "Checkpoints too frequent",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["checkpoints", "settings"],
    uses: &["window", "wal"],
    thresholds: &[&INTERVAL, &MIN_CHECKPOINTS, &MIN_REQUESTED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
At least `min_checkpoints` checkpoints that were less than `min_interval_seconds` apart on average, by a
`checkpoint_timeout` below that, or because at least `min_requested_ratio` of them were forced.

## Why it matters
After a checkpoint the first change of every page writes the whole page into the WAL. Checkpoints every
minute can multiply the WAL, the archive and the traffic to standbys.

## How to fix
Raise `max_wal_size` when they are forced, `checkpoint_timeout` when they come by time. Crash recovery
may take longer then, at most about as long as the WAL between two checkpoints takes to replay.

## When to ignore
Servers that must be back within seconds of a crash and pay for it on purpose.

## References
PostgreSQL documentation: WAL Configuration, `checkpoint_timeout`.
",
    run: Run::Postgres(run),
};

static INTERVAL: Threshold = Threshold {
    key: "min_interval_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (1.0, 86_400.0),
    why: "the server's own default timeout is five minutes, and most systems do better with more",
};

static MIN_REQUESTED: Threshold = Threshold {
    key: "min_requested_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "with the default timeout one forced checkpoint in thousands brings the mean just below five \
          minutes, which is no trouble",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (checkpoints, settings) = (pg.checkpoints()?, pg.settings()?);
    let (window, wal) = (pg.window().ok(), pg.wal().ok());
    let Some(rhythm) = checkpoint::rhythm(pg, cx, checkpoints, window)? else {
        return Ok(Vec::new());
    };
    let limit = cx.limit(&INTERVAL);
    let share = checkpoint::requested_share(rhythm.counters);
    let timeout = settings.millis("checkpoint_timeout").map(|ms| ms / 1000.0);
    let by_time = timeout.is_some_and(|seconds| seconds < limit);
    let interval = rhythm.seconds / checkpoint::made(rhythm.counters).max(1.0);
    let is_forced = share >= cx.limit(&MIN_REQUESTED);
    if rhythm.seconds <= 0.0 || interval >= limit || !(by_time || is_forced) {
        return Ok(Vec::new());
    }
    let source = rhythm.source("pg_stat_bgwriter or pg_stat_checkpointer");
    let advice = if is_forced {
        "Raise max_wal_size, as far as the disk and the time a crash recovery may take allow."
    } else {
        "Raise checkpoint_timeout to 15 minutes, if a crash recovery may take that much longer."
    };
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!("a checkpoint every {} {}", words::seconds(interval), rhythm.when()),
            advice,
        )
        .with(
            Evidence::new("mean interval", interval, Unit::Seconds, source.clone()).against(limit),
        )
        .with(Evidence::new(
            "checkpoints",
            checkpoint::made(rhythm.counters),
            Unit::Count,
            source.clone(),
        ))
        .with(
            Evidence::new("requested", share, Unit::Ratio, source)
                .against(cx.limit(&MIN_REQUESTED)),
        )
        .with(rhythm.time());
    let fix = if is_forced {
        checkpoint::raised_max_wal_size(pg, settings, wal)
    } else {
        Some(longer_timeout(settings))
    };
    Ok(vec![match fix {
        Some(fix) => finding.fixed_by(fix).promising("fewer whole pages in the WAL"),
        None => finding,
    }])
}

fn longer_timeout(settings: &Settings) -> dbvitals_model::Fix {
    let change = [("checkpoint_timeout", "15min".to_owned())];
    setting_change::change(settings, FixKind::Review, &change)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::counters::Checkpoints};

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn with(counters: &Checkpoints, age: i64, timeout: &str) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "max_wal_size", "1024", Some("MB"));
            set(pg, "checkpoint_timeout", timeout, Some("s"));
            *edit(&mut pg.checkpoints) = Checkpoints { stats_reset: ago(age), ..counters.clone() };
        })
    }

    fn made(timed: i64, requested: i64) -> Checkpoints {
        Checkpoints { timed, requested, ..Checkpoints::default() }
    }

    #[test]
    fn thresholds_have_two_sides() {
        let fires =
            |counters, age| !testing::findings(&CHECK, &with(&counters, age, "300")).is_empty();
        assert!(fires(made(90, 10), 29_999));
        assert!(!fires(made(90, 10), 30_000), "interval");
        assert!(!fires(made(91, 9), 29_999), "mostly by the default timeout");
        assert!(!fires(made(0, 9), 10), "too few");
    }

    #[test]
    fn a_short_timeout_is_named_as_the_cause() {
        let found = testing::findings(&CHECK, &with(&made(100, 0), 6000, "60"));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET checkpoint_timeout = '15min';");
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET checkpoint_timeout = '60s';");
        let found = testing::findings(&CHECK, &with(&made(50, 50), 6000, "300"));
        assert!(found[0].fix.as_ref().unwrap().statements[0].contains("max_wal_size"));
    }

    #[test]
    fn checkpoints_an_idle_server_passed_over_do_not_count() {
        let skipped = Checkpoints { done: Some(12), ..made(88, 12) };
        assert!(testing::findings(&CHECK, &with(&skipped, 9000, "60")).is_empty());
    }

    #[test]
    fn is_skipped_without_settings() {
        let hidden = testing::pg(|pg| pg.settings = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
