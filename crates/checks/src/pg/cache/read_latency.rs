//! Slow reads of blocks.

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::database::Database};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::counted::counted,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Mean time to read one block from outside shared buffers.
pub static CHECK: Check = Check {
    id: "pg-read-latency",
    title: "Slow block reads",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["databases", "settings"],
    uses: &["window"],
    thresholds: &[&LATENCY, &MIN_READS],
    fix: None,
    explain: "\
## What it detects
Over at least `min_blocks_read` reads, a block took more than `max_latency_ms` on average. Needs
`track_io_timing`.

## Why it matters
A statement that reads a hundred blocks then waits seconds. Local solid-state disks answer in a tenth of
a millisecond, network volumes in one or two: an average far above is a disk at its limit.

## How to fix
Read less first: missing indexes, too small a cache. Then look at the volume's limits (operations and
bytes a second) and at what else uses it.

## When to ignore
Archives on spinning disks.

## References
PostgreSQL documentation: Run-time Statistics, `track_io_timing`; `pg_stat_database`.
",
    run: Run::Postgres(run),
};

static LATENCY: Threshold = Threshold {
    key: "max_latency_ms",
    unit: Unit::Ms,
    default: 20.0,
    strict: Some(5.0),
    range: (0.01, 10_000.0),
    why: "twice what a spinning disk needs for a random read, so that no healthy storage reaches it",
};

static MIN_READS: Threshold = Threshold {
    key: "min_blocks_read",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a mean over fewer reads is the story of one hiccup",
};

/// Blocks read and the time it took in milliseconds, over databases.
fn reads(databases: &[Database]) -> (f64, f64) {
    databases.iter().fold((0.0, 0.0), |(blocks, ms), database| {
        (blocks + database.blocks_read.max(0) as f64, ms + database.block_read_time_ms.max(0.0))
    })
}

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (databases, settings) = (pg.databases()?, pg.settings()?);
    let window = pg.window().ok();
    if settings.is_on("track_io_timing") == Some(false) {
        return Err(Skip::disabled(
            "track_io_timing is off, so that reads are not timed",
            "ALTER SYSTEM SET track_io_timing = on; SELECT pg_reload_conf();",
        ));
    }
    let recent = window.map(|window| (window, &window.databases));
    let oldest = databases.iter().filter_map(|database| database.stats_reset).min();
    let age = pg.seconds_since(oldest.or(pg.server().started_at));
    let enough = cx.limit(&MIN_READS);
    let Some(seen) = counted(recent, databases, age, |seen| reads(seen.counters).0 >= enough)
    else {
        return Ok(Vec::new());
    };
    let (blocks, ms) = reads(seen.counters);
    let latency = ms / blocks.max(1.0);
    if latency <= cx.limit(&LATENCY) {
        return Ok(Vec::new());
    }
    let source = seen.source("pg_stat_database.blk_read_time");
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!("reading a block took {} on average {}", words::millis(latency), seen.when()),
            "Read less first (indexes, cache). Then look at the volume's own limits and at what \
             else uses it.",
        )
        .with(
            Evidence::new("time per block read", latency, Unit::Ms, source.clone())
                .against(cx.limit(&LATENCY)),
        )
        .with(Evidence::new("blocks read", blocks, Unit::Count, source).against(enough))
        .with(seen.time());
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::window::Window};

    use super::*;
    use crate::testing::{self, edit, set};

    fn with(blocks: i64, ms: f64) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "track_io_timing", "on", None);
            let database = &mut edit(&mut pg.databases)[0];
            (database.blocks_read, database.block_read_time_ms) = (blocks, ms);
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(10_000, 200_001.0)).len(), 1);
        assert!(testing::findings(&CHECK, &with(10_000, 200_000.0)).is_empty());
        assert!(testing::findings(&CHECK, &with(9_999, 900_000.0)).is_empty());
        assert!(testing::findings(&CHECK, &with(0, 0.0)).is_empty());
    }

    #[test]
    fn a_window_with_enough_reads_speaks_for_now() {
        let mut snapshot = with(1_000_000, 1e9);
        let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data else {
            unreachable!()
        };
        let quick =
            Database { blocks_read: 50_000, block_read_time_ms: 5000.0, ..Database::default() };
        *edit(&mut pg.window) =
            Window { seconds: 10.0, databases: vec![quick], ..Window::default() };
        assert!(testing::findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn untimed_reads_are_a_gap_with_its_remedy() {
        let untimed = testing::pg(|pg| set(pg, "track_io_timing", "off", None));
        let skip = testing::skipped(&CHECK, &untimed);
        assert_eq!(skip.0.reason, Reason::Disabled);
        assert!(skip.0.remedy.unwrap().contains("track_io_timing = on"));
        let hidden = testing::pg(|pg| pg.settings = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
