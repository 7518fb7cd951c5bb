//! Statements that spend most of their time waiting for reads and writes.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    command,
    load::{self, LISTED, Load, MIN_BUSY, io_ms},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// I/O time against execution time.
pub static CHECK: Check = Check {
    id: "pg-io-bound-statement",
    title: "I/O-bound statement",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements", "settings"],
    uses: &["window"],
    thresholds: &[&IO_RATIO, &TIME_RATIO, &MIN_BUSY],
    fix: None,
    explain: "\
## What it detects
Statements that wait for reads and writes for more than `max_io_ratio` of their time, take more than
`min_time_ratio` of the time of all statements, and keep one session busy for at least `min_busy_ratio`.

## Why it matters
Their time depends on the disk and on what else uses it: they are the first to slow down under load,
and they push useful pages out of the cache.

## How to fix
Touch fewer blocks (an index, a covering index, a smaller table after removing bloat), keep the working
set in `shared_buffers`, or move to faster storage.

## When to ignore
Reports over data that cannot be cached. DDL, vacuum and copies are never reported. Needs
`track_io_timing`.

## References
PostgreSQL documentation: pg_stat_statements; Run-time Statistics, `track_io_timing`.
",
    run: Run::Postgres(run),
};

static IO_RATIO: Threshold = Threshold {
    key: "max_io_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "beyond half, the disk and not the processor decides how long it takes",
};

static TIME_RATIO: Threshold = Threshold {
    key: "min_time_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 1.0),
    why: "less than a twentieth of the load gains little for the server as a whole",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, settings) = (pg.statements()?, pg.settings()?);
    let window = pg.window().ok();
    if settings.is_on("track_io_timing") != Some(true) {
        return Err(Skip::disabled(
            "track_io_timing is off: times of reads and writes are not taken",
            "ALTER SYSTEM SET track_io_timing = 'on'; SELECT pg_reload_conf();",
        ));
    }
    let load = Load::of(pg, statements, window)?;
    let found = load.by(io_ms).filter_map(|statement| {
        let name = load::name(statement);
        let (time, io) = (statement.total_exec_time_ms, io_ms(statement));
        if time <= 0.0 || statement.text.as_deref().is_some_and(command::is_maintenance) {
            return None;
        }
        // Parallel workers wait side by side: together they can wait longer than the statement ran.
        let ratio = (io / time).min(1.0);
        let matters = load.time_ratio(time) > cx.limit_for(&TIME_RATIO, &name)
            && load.is_busy(cx, time, &name);
        if !matters || ratio <= cx.limit_for(&IO_RATIO, &name) {
            return None;
        }
        let problem =
            format!("waits for reads and writes for {} of its time", words::percent(ratio));
        let advice = "Touch fewer blocks (EXPLAIN with BUFFERS shows where), or give them cache.";
        let found = load.finding(cx, Severity::Warning, statement, &problem, advice);
        let limit = cx.limit_for(&TIME_RATIO, &name);
        let found = load::held_against(found, "share of all execution time", limit);
        let reads = statement.shared_blocks_read.max(1) as f64;
        Some(
            found
                .with(
                    Evidence::new(
                        "I/O share of its time",
                        ratio,
                        Unit::Ratio,
                        load.source("*_time"),
                    )
                    .against(cx.limit_for(&IO_RATIO, &name)),
                )
                .with(Evidence::new(
                    "time per block read",
                    statement.block_read_time_ms / reads,
                    Unit::Ms,
                    load.source("shared_blk_read_time"),
                )),
        )
    });
    Ok(found.take(LISTED).collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, TargetData, pg::statement::Statement};

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn io_bound(time: f64, io: f64) -> Statement {
        Statement { total_exec_time_ms: time, block_read_time_ms: io, ..statement() }
    }

    fn found(time: f64, io: f64) -> usize {
        testing::findings(&CHECK, &with(vec![io_bound(time, io)])).len()
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(found(100_000.0, 50_000.0), 0, "half exactly");
        assert_eq!(found(100_000.0, 50_001.0), 1);
        assert_eq!(found(50_500.0, 50_000.0), 0, "5 % of the load exactly");
        assert_eq!(found(50_501.0, 50_000.0), 1);
    }

    #[test]
    fn parallel_waits_never_exceed_the_whole() {
        let found = testing::findings(&CHECK, &with(vec![io_bound(100_000.0, 300_000.0)]));
        assert!(found[0].message.ends_with("for 100 % of its time"), "{}", found[0].message);
    }

    #[test]
    fn is_skipped_with_the_remedy_when_times_are_not_taken() {
        let mut snapshot = with(vec![io_bound(1e6, 1e6)]);
        if let TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
            testing::set(pg, "track_io_timing", "off", None);
        }
        let skip = testing::skipped(&CHECK, &snapshot);
        assert_eq!(skip.0.reason, Reason::Disabled);
        assert!(skip.0.remedy.unwrap().contains("track_io_timing"));
        testing::skipped(&CHECK, &without_statements());
    }
}
