//! Large tables that are read from end to end.

use dbvitals_model::{Evidence, Finding, Severity, Unit, pg::relation::Relation};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables whose sequential scans read many rows each and make up a good part of all scans.
pub static CHECK: Check = Check {
    id: "pg-sequential-scan-heavy-table",
    title: "Table read by sequential scans",
    topic: Topic::Indexes,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "databases"],
    uses: &["window"],
    thresholds: &[&MIN_ROWS_READ, &MIN_SHARE, &MIN_ROWS, &MIN_SCANS],
    fix: None,
    explain: "\
## What it detects
A table of at least `min_rows_count` rows, scanned sequentially at least `min_scans_count` times, whose scans
read more than `rows_per_scan_count` rows on average and are more than `scan_share_ratio` of all its scans.
With `--interval`, only scans of the window count.

## Why it matters
Each such scan reads the whole table through the cache, evicting what others need. The bytes scanned are in the
evidence: they, not the number of scans, are the cost.

## How to fix
Find the statements (`pg_stat_statements` by blocks read, or `auto_explain`), and index what their filters select.

## When to ignore
Reports and exports that need most rows; tables that are small enough to live in memory.

## References
PostgreSQL documentation: `pg_stat_all_tables`; Examining Index Usage.
",
    run: Run::Database(run),
};

static MIN_ROWS_READ: Threshold = Threshold {
    key: "rows_per_scan_count",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "ten thousand rows are read in about a millisecond; an index beats that only above it",
};

static MIN_SHARE: Threshold = Threshold {
    key: "scan_share_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 1.0),
    why: "a nightly export among thousands of look-ups is not a missing index",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows_count",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "a small table is read fastest from end to end",
};

static MIN_SCANS: Threshold = Threshold {
    key: "min_scans_count",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a dump, an index build or somebody's count(*) is not the application",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    db.stats()?;
    let window = db.server().window().ok();
    let recent = window.and_then(|window| {
        let (_, tables) = window.relations.iter().find(|(name, _)| name == db.name())?;
        Some((window.seconds, parts::by_oid(tables)))
    });
    let age = db.statistics_age_days().unwrap_or_default() * 86_400.0;
    let mut found = Vec::new();
    for table in relations.iter().filter(|table| table.kind == "r" || table.kind == "m") {
        let (seconds, counters) = match &recent {
            Some((seconds, tables)) => match tables.get(&table.oid) {
                Some(counters) => (*seconds, *counters),
                None => continue,
            },
            None => (age, table),
        };
        if table.extension.is_none() {
            found.extend(finding(db, cx, table, counters, seconds));
        }
    }
    Ok(found)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    table: &Relation,
    counters: &Relation,
    seconds: f64,
) -> Option<Finding> {
    let name = table.qualified();
    let rows = table.row_estimate.max(table.live_rows as f64);
    let scans = counters.seq_scans as f64;
    let all = scans + counters.index_scans.unwrap_or(0) as f64;
    let per_scan = counters.seq_rows_read as f64 / scans.max(1.0);
    let share = scans / all.max(1.0);
    let limit = |threshold| cx.limit_for(threshold, &name);
    let is_heavy = scans >= limit(&MIN_SCANS)
        && rows >= limit(&MIN_ROWS)
        && per_scan > limit(&MIN_ROWS_READ)
        && share > limit(&MIN_SHARE);
    if !is_heavy {
        return None;
    }
    let bytes = table.heap_bytes as f64 * scans;
    let finding = cx
        .finding(
            Severity::Warning,
            parts::table_subject(db, table),
            format!(
                "{name} was read from end to end {} times, {} rows each",
                words::count(scans),
                words::count(per_scan)
            ),
            "Find the statements that scan it and index what they filter by.",
        )
        .with(
            Evidence::new("rows per sequential scan", per_scan, Unit::Count, "pg_stat_all_tables")
                .against(limit(&MIN_ROWS_READ)),
        )
        .with(
            Evidence::new("share of sequential scans", share, Unit::Ratio, "pg_stat_all_tables")
                .against(limit(&MIN_SHARE)),
        )
        .with(Evidence::new("sequential scans", scans, Unit::Count, "pg_stat_all_tables"))
        .with(Evidence::new("scanned", bytes, Unit::Bytes, "scans × heap size"))
        .with(Evidence::new(
            "over",
            seconds,
            Unit::Seconds,
            "window, or since statistics were reset",
        ));
    Some(finding)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::window::Window;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, app, edit},
    };

    fn heavy() -> Relation {
        Relation {
            row_estimate: 10_000.0,
            live_rows: 0,
            seq_scans: 10,
            seq_rows_read: 100_010,
            index_scans: Some(189),
            ..fixture::table()
        }
    }

    fn fires(table: Relation) -> bool {
        let snapshot = testing::database(|db| *edit(&mut db.relations) = vec![table]);
        !testing::findings(&CHECK, &snapshot).is_empty()
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert!(fires(heavy()));
        assert!(!fires(Relation { seq_rows_read: 100_000, ..heavy() }));
        assert!(!fires(Relation { index_scans: Some(190), ..heavy() }));
        assert!(!fires(Relation { seq_scans: 9, seq_rows_read: 1_000_000, ..heavy() }));
    }

    #[test]
    fn a_small_table_read_sequentially_is_fine() {
        assert!(!fires(Relation { row_estimate: 9_999.0, ..heavy() }));
    }

    #[test]
    fn with_a_window_only_its_scans_count() {
        let snapshot = testing::pg(|pg| {
            *edit(&mut app(pg).relations) = vec![heavy()];
            let quiet = Relation { seq_scans: 0, seq_rows_read: 0, ..heavy() };
            let window = edit(&mut pg.window);
            *window = Window {
                seconds: 10.0,
                relations: vec![("app".into(), vec![quiet])],
                ..Window::default()
            };
        });
        assert!(testing::findings(&CHECK, &snapshot).is_empty());
    }
}
