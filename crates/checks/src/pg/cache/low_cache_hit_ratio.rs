//! Databases that read much of what they need from outside shared buffers.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, pg::database::Database};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::counted::{Counted, counted},
    skip::Judged,
    view::PgView,
    words,
};

/// Block requests found in shared buffers, by database.
pub static CHECK: Check = Check {
    id: "pg-low-cache-hit-ratio",
    title: "Low cache hit ratio",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &["window"],
    thresholds: &[&WARNING, &CRITICAL, &MIN_READS, &MIN_READ_RATE],
    fix: None,
    explain: "\
## What it detects
A database that finds less than `warning_ratio` (or `critical_ratio`) of the blocks it asks for in
shared buffers. Over a window, when it read at least `min_reads_per_second` in it; else over the time
since the statistics were reset, when it read at least `min_blocks_read` blocks.

## Why it matters
Every block that is not there has to come from the operating system's cache or from the disk, which is
ten to ten thousand times slower.

## How to fix
Find the statements and tables that read most; an index that is missing is the usual cause, and more
memory only hides it. Then give shared buffers up to a quarter of the machine's memory.

## When to ignore
Warehouses that scan more than memory holds, and servers whose reads the operating system's cache
answers: the time per block read, where it is measured, tells the two apart.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_stat_database`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: Some(0.99),
    range: (0.0, 1.0),
    why: "below 95 % reading from outside takes more time than all the rest of a short statement",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.0, 1.0),
    why: "one block in ten from outside is ten times what a well-sized cache leaves",
};

static MIN_READS: Threshold = Threshold {
    key: "min_blocks_read",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "filling an empty cache after a restart reads some hundred megabytes and proves nothing",
};

static MIN_READ_RATE: Threshold = Threshold {
    key: "min_reads_per_second",
    unit: Unit::PerSecond,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "fewer reads than any disk serves without effort make no ratio worth a warning",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (databases, window) = (pg.databases()?, pg.window().ok());
    let began = pg.server().started_at;
    let judged = databases.iter().filter(|database| !database.is_template).filter_map(|database| {
        let name = &database.name;
        let recent = window.and_then(|window| {
            let mut known = window.databases.iter();
            Some((window, known.find(|candidate| candidate.name == *name)?))
        });
        let age = pg.seconds_since(database.stats_reset.or(began));
        let traffic = counted(recent, database, age, |seen| {
            let read = seen.counters.blocks_read as f64;
            if seen.in_window {
                seen.per_second(read).is_some_and(|r| r >= cx.limit_for(&MIN_READ_RATE, name))
            } else {
                read >= cx.limit_for(&MIN_READS, name)
            }
        })?;
        finding(cx, &traffic)
    });
    Ok(judged.collect())
}

fn finding(cx: &Context<'_>, traffic: &Counted<'_, Database>) -> Option<Finding> {
    let counters = traffic.counters;
    let (read, hit) = (counters.blocks_read as f64, counters.blocks_hit.max(0) as f64);
    if read + hit <= 0.0 {
        return None;
    }
    let ratio = hit / (read + hit);
    let severity = cx.below(ratio, &WARNING, &CRITICAL, &counters.name)?;
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let source = traffic.source("pg_stat_database");
    let found = cx
        .finding(
            severity,
            Subject::new("database", &counters.name),
            format!(
                "database {} found only {} of the blocks it asked for in shared buffers; it read {} \
                 from outside {}",
                counters.name,
                words::fine_percent(ratio),
                words::count(read),
                traffic.when(),
            ),
            "Look for the statements and tables that read most, and index them. Then raise \
             shared_buffers towards a quarter of memory.",
        )
        .with(
            Evidence::new("hit ratio", ratio, Unit::Ratio, source.clone())
                .against(cx.limit_for(threshold, &counters.name)),
        )
        .with(Evidence::new("blocks read", read, Unit::Count, source.clone()))
        .with(Evidence::new("blocks hit", hit, Unit::Count, source.clone()))
        .with(traffic.time());
    Some(if counters.block_read_time_ms > 0.0 {
        let mean = counters.block_read_time_ms / read;
        found.with(Evidence::new("time per block read", mean, Unit::Ms, source))
    } else {
        found
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::window::Window};

    use super::*;
    use crate::{
        Profile, Settings,
        testing::{self, edit},
    };

    fn with(read: i64, hit: i64) -> Snapshot {
        testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            (database.blocks_read, database.blocks_hit) = (read, hit);
        })
    }

    fn severity(snapshot: &Snapshot, settings: &Settings) -> Option<Severity> {
        testing::findings_with(&CHECK, snapshot, settings).first().map(|f| f.severity)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |read, hit| severity(&with(read, hit), &Settings::default());
        assert_eq!(of(100_000, 1_900_000), None);
        assert_eq!(of(100_000, 1_899_000), Some(Severity::Warning));
        assert_eq!(of(100_000, 900_000), Some(Severity::Warning));
        assert_eq!(of(100_000, 899_000), Some(Severity::Critical));
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        assert_eq!(severity(&with(100_000, 9_900_000), &strict), None);
        assert_eq!(severity(&with(100_000, 9_899_000), &strict), Some(Severity::Warning));
    }

    #[test]
    fn few_reads_and_no_reads_are_no_ratio() {
        assert!(testing::findings(&CHECK, &with(99_999, 0)).is_empty());
        assert!(testing::findings(&CHECK, &with(0, 0)).is_empty());
        assert!(testing::findings(&CHECK, &with(-5, -5)).is_empty());
    }

    #[test]
    fn a_lifetime_ratio_is_not_a_window_s() {
        let windowed = |lifetime: (i64, i64), recent: (i64, i64)| {
            testing::pg(|pg| {
                let database = &mut edit(&mut pg.databases)[0];
                (database.blocks_read, database.blocks_hit) = lifetime;
                let mut fresh = database.clone();
                (fresh.blocks_read, fresh.blocks_hit) = recent;
                *edit(&mut pg.window) =
                    Window { seconds: 10.0, databases: vec![fresh], ..Window::default() };
            })
        };
        let good_now = windowed((1_000_000, 0), (10_000, 9_990_000));
        assert!(testing::findings(&CHECK, &good_now).is_empty());
        let bad_now = windowed((100_000, 99_900_000), (10_000, 0));
        assert_eq!(severity(&bad_now, &Settings::default()), Some(Severity::Critical));
        let idle_now = windowed((1_000_000, 0), (9_999, 0));
        let found = testing::findings(&CHECK, &idle_now);
        assert!(found[0].message.contains("since the statistics were reset"));
    }

    #[test]
    fn is_skipped_without_database_statistics() {
        let hidden = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
