//! Checkpoints whose writes the disks cannot keep up with.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

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

/// Mean time a checkpoint writes and syncs.
pub static CHECK: Check = Check {
    id: "pg-checkpoint-write-slow",
    title: "Checkpoints write slowly",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["checkpoints", "settings"],
    uses: &["window"],
    thresholds: &[&MAX_SYNC, &MAX_WRITE, &MIN_CHECKPOINTS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Over at least `min_checkpoints` checkpoints, either a mean of more than `max_sync_seconds` spent waiting
for files to reach the disk, or a mean write phase longer than `max_write_ratio` of
`checkpoint_timeout`: the next checkpoint is due before this one is done.

A long write phase by itself is healthy: it is spread over `checkpoint_completion_target` on purpose.

## Why it matters
While a checkpoint waits for the disk, so does every commit that needs the same disk.

## How to fix
Put the WAL on a disk of its own, let the background writer do more between checkpoints, set
`checkpoint_flush_after` (Linux) so that the kernel is not left with gigabytes at the end, and look at
the disk itself.

## When to ignore
Bulk loads; servers with very many small files, where syncing takes long by nature (then: fewer
partitions).

## References
PostgreSQL documentation: WAL Configuration, `checkpoint_flush_after`.
",
    run: Run::Postgres(run),
};

static MAX_SYNC: Threshold = Threshold {
    key: "max_sync_seconds",
    unit: Unit::Seconds,
    default: 10.0,
    strict: Some(3.0),
    range: (0.1, 3600.0),
    why: "a healthy disk syncs what the kernel has been writing all along within a second or two",
};

static MAX_WRITE: Threshold = Threshold {
    key: "max_write_ratio",
    unit: Unit::Ratio,
    default: 1.0,
    strict: None,
    range: (0.1, 10.0),
    why: "past the timeout the next checkpoint is late before it begins",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (checkpoints, settings) = (pg.checkpoints()?, pg.settings()?);
    let window = pg.window().ok();
    let Some(rhythm) = checkpoint::rhythm(pg, cx, checkpoints, window)? else {
        return Ok(Vec::new());
    };
    let made = checkpoint::made(rhythm.counters).max(1.0);
    let sync = rhythm.counters.sync_time_ms / made / 1000.0;
    let write = rhythm.counters.write_time_ms / made / 1000.0;
    let timeout = settings.millis("checkpoint_timeout").map_or(0.0, |ms| ms / 1000.0);
    let longest_write = timeout * cx.limit(&MAX_WRITE);
    let sync_is_slow = sync > cx.limit(&MAX_SYNC);
    let write_is_slow = timeout > 0.0 && write > longest_write;
    if !sync_is_slow && !write_is_slow {
        return Ok(Vec::new());
    }
    let source = rhythm.source("pg_stat_bgwriter or pg_stat_checkpointer");
    let message = if sync_is_slow {
        format!("checkpoints wait {} for the disk on average", words::seconds(sync))
    } else {
        format!("checkpoints write for {}, beyond checkpoint_timeout", words::seconds(write))
    };
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            message,
            "Put the WAL on a disk of its own and look at the data disk's latency. Let the kernel \
             write as the checkpoint goes along.",
        )
        .with(
            Evidence::new("mean time to sync", sync, Unit::Seconds, source.clone())
                .against(cx.limit(&MAX_SYNC)),
        )
        .with(
            Evidence::new("mean time to write", write, Unit::Seconds, source.clone())
                .against(longest_write),
        )
        .with(Evidence::new("checkpoints", made, Unit::Count, source))
        .with(rhythm.time());
    let flushes_late = settings.number("checkpoint_flush_after") == Some(0.0);
    Ok(vec![if flushes_late {
        let change = [("checkpoint_flush_after", "256kB".to_owned())];
        finding.fixed_by(setting_change::change(settings, FixKind::Review, &change))
    } else {
        finding
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::counters::Checkpoints};

    use super::*;
    use crate::{
        Profile, Settings,
        testing::{self, edit, set},
    };

    fn with(write_seconds: f64, sync_seconds: f64, flush_after: &str) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "checkpoint_timeout", "300", Some("s"));
            set(pg, "checkpoint_flush_after", flush_after, Some("8kB"));
            *edit(&mut pg.checkpoints) = Checkpoints {
                timed: 10,
                write_time_ms: write_seconds * 10_000.0,
                sync_time_ms: sync_seconds * 10_000.0,
                ..Checkpoints::default()
            };
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let fires = |write, sync| !testing::findings(&CHECK, &with(write, sync, "32")).is_empty();
        assert!(!fires(270.0, 1.0), "a long write phase is how it should be");
        assert!(!fires(300.0, 10.0));
        assert!(fires(300.1, 0.0));
        assert!(fires(0.0, 10.1));
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        assert!(!testing::findings_with(&CHECK, &with(1.0, 3.1, "32"), &strict).is_empty());
    }

    #[test]
    fn offers_early_flushing_only_where_it_is_off() {
        let fix = |flush| testing::findings(&CHECK, &with(0.0, 20.0, flush))[0].fix.clone();
        assert_eq!(fix("32"), None);
        let statements = fix("0").unwrap().statements;
        assert_eq!(statements[0], "ALTER SYSTEM SET checkpoint_flush_after = '256kB';");
    }

    #[test]
    fn is_skipped_without_counters() {
        let hidden =
            testing::pg(|pg| pg.checkpoints = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
