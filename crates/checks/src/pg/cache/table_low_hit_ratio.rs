//! Tables that cause much of a database's reading from outside shared buffers.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{relation::Relation, window::Window},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Block requests of a table and its indexes found in shared buffers.
pub static CHECK: Check = Check {
    id: "pg-table-low-hit-ratio",
    title: "Table read from outside the cache",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations", "databases"],
    uses: &["window"],
    thresholds: &[&RATIO, &MIN_READS, &MIN_SHARE],
    fix: None,
    explain: "\
## What it detects
A table that, with its indexes, found less than `min_hit_ratio` of its blocks in shared buffers, read at
least `min_blocks_read` blocks from outside, and by that caused at least `min_share_ratio` of all such
reads of its database.

## Why it matters
It names the table behind a low hit ratio: the one whose missing index, width or sheer size pushes the
rest out of the cache.

## How to fix
Look at the statements that read it; index their filters, or take wide, rarely read columns out of it.

## When to ignore
Tables that are meant to be scanned whole: exports, archives, nightly reports.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_statio_all_tables`.
",
    run: Run::Database(run),
};

static RATIO: Threshold = Threshold {
    key: "min_hit_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: Some(0.95),
    range: (0.0, 1.0),
    why: "one table may miss twice as often as a whole database should",
};

static MIN_READS: Threshold = Threshold {
    key: "min_blocks_read",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "filling an empty cache reads some hundred megabytes and proves nothing",
};

static MIN_SHARE: Threshold = Threshold {
    key: "min_share_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "what causes less than a tenth of the reads would not change the database's ratio",
};

/// Blocks of a table and its indexes: read from outside, found in shared buffers.
fn blocks(table: &Relation) -> (f64, f64) {
    let read = table.heap_blocks_read.max(0) + table.index_blocks_read.max(0);
    let hit = table.heap_blocks_hit.max(0) + table.index_blocks_hit.max(0);
    (read as f64, hit as f64)
}

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, window) = (db.relations()?, db.server().window().ok());
    db.stats()?;
    let age_days = db.statistics_age_days();
    let all_reads: f64 = relations.iter().map(|table| blocks(table).0).sum();
    let judged = relations.iter().filter_map(|table| {
        let name = table.qualified();
        let (read, hit) = blocks(table);
        let ratio = hit / (read + hit).max(1.0);
        let suffers = read >= cx.limit_for(&MIN_READS, &name)
            && ratio < cx.limit_for(&RATIO, &name)
            && read >= all_reads * cx.limit_for(&MIN_SHARE, &name)
            && !is_fine_now(window, db.name(), table, cx);
        suffers.then(|| {
            let found = finding(db, cx, table, (read, hit, read / all_reads.max(1.0)));
            match age_days {
                Some(age) => found.with(Evidence::new(
                    "age of the statistics",
                    age,
                    Unit::Days,
                    "pg_stat_database.stats_reset",
                )),
                None => found,
            }
        })
    });
    Ok(judged.collect())
}

/// Whether a window with plenty of reads shows that the table's trouble is history.
fn is_fine_now(
    window: Option<&Window>,
    database: &str,
    table: &Relation,
    cx: &Context<'_>,
) -> bool {
    window
        .into_iter()
        .flat_map(|window| &window.relations)
        .filter(|(name, _)| name == database)
        .flat_map(|(_, tables)| tables)
        .find(|candidate| candidate.oid == table.oid)
        .map(blocks)
        .is_some_and(|(read, hit)| {
            let name = table.qualified();
            let requests = read + hit;
            requests >= cx.limit_for(&MIN_READS, &name)
                && hit / requests >= cx.limit_for(&RATIO, &name)
        })
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    table: &Relation,
    (read, hit, share): (f64, f64, f64),
) -> Finding {
    let name = table.qualified();
    let ratio = hit / (read + hit).max(1.0);
    let source = "pg_statio_all_tables";
    cx.finding(
        Severity::Info,
        Subject::within("table", db.name(), &name),
        format!(
            "{name} found {} of its blocks in shared buffers and causes {} of the database's reads \
             from outside",
            words::fine_percent(ratio),
            words::percent(share),
        ),
        "Look at the statements that read this table: index their filters, read fewer columns and \
         rows.",
    )
    .with(
        Evidence::new("hit ratio", ratio, Unit::Ratio, source).against(cx.limit_for(&RATIO, &name)),
    )
    .with(
        Evidence::new("blocks read", read, Unit::Count, source)
            .against(cx.limit_for(&MIN_READS, &name)),
    )
    .with(
        Evidence::new("share of the database's reads", share, Unit::Ratio, source)
            .against(cx.limit_for(&MIN_SHARE, &name)),
    )
    .with(Evidence::new("size", table.total_bytes(), Unit::Bytes, "pg_class"))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, app, edit};

    fn table(oid: i64, read: i64, hit: i64) -> Relation {
        Relation {
            oid,
            schema: "public".into(),
            name: format!("t{oid}"),
            heap_blocks_read: read,
            index_blocks_hit: hit,
            ..Relation::default()
        }
    }

    fn with(tables: Vec<Relation>) -> Snapshot {
        testing::database(|db| *edit(&mut db.relations) = tables)
    }

    #[test]
    fn thresholds_have_two_sides() {
        let fires = |tables| testing::findings(&CHECK, &with(tables)).len();
        assert_eq!(fires(vec![table(1, 100_000, 899_999)]), 1);
        assert_eq!(fires(vec![table(1, 100_000, 900_000)]), 0, "ratio");
        assert_eq!(fires(vec![table(1, 99_999, 0)]), 0, "reads");
        let shared = |share| vec![table(1, share, 0), table(2, 2_000_000 - share, 1_000_000_000)];
        assert_eq!(fires(shared(200_000)), 1);
        assert_eq!(fires(shared(199_999)), 0, "share");
    }

    #[test]
    fn a_table_that_is_fine_now_is_silent() {
        let snapshot = testing::pg(|pg| {
            *edit(&mut app(pg).relations) = vec![table(1, 1_000_000, 0)];
            let recent = vec![table(1, 10, 100_000)];
            edit(&mut pg.window).relations = vec![("app".into(), recent)];
        });
        assert!(testing::findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn nothing_read_is_no_ratio_and_no_section_is_a_skip() {
        assert!(testing::findings(&CHECK, &with(vec![table(1, 0, 0)])).is_empty());
        let hidden =
            testing::database(|db| db.relations = Section::unavailable(Reason::Timeout, "slow"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Timeout);
    }
}
