//! Tables whose pages are not known to be all-visible, so that index-only scans visit them.

use dbvitals_model::{Evidence, FixKind, Severity, Unit, pg::index::Index};

use super::{
    ordinary::{last_vacuum, on_primary, stored, subject, with_since},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Share of all-visible pages of tables with covering indexes in use.
pub static CHECK: Check = Check {
    id: "pg-low-all-visible",
    title: "Few all-visible pages",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations", "indexes"],
    uses: &[],
    thresholds: &[&RATIO, &MIN_SIZE, &MIN_SCANS],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A table of at least `min_size_bytes` of which less than `all_visible_ratio` of the pages are marked all-visible,
with an index made for index-only scans (it includes columns, or has several) scanned at least `min_scans` times,
most of whose entries led to the table all the same.

## Why it matters
An index-only scan must visit the table for every row on a page not marked. The covering index then costs its
space and its writes without its gain.

## How to fix
Vacuum the table: vacuum alone sets the marks. Vacuum it more often by a lower
`autovacuum_vacuum_scale_factor` or, where rows are only added, `autovacuum_vacuum_insert_scale_factor`.

## When to ignore
Tables updated all over, all the time.

## References
PostgreSQL documentation: Index-Only Scans and Covering Indexes; Visibility Map.
",
    run: Run::Database(run),
};

static RATIO: Threshold = Threshold {
    key: "all_visible_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "below half, most rows of an index-only scan are fetched from the table",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a smaller table is cached, and visiting it costs little",
};

static MIN_SCANS: Threshold = Threshold {
    key: "min_scans",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "an index scanned less often is not what the table suffers from",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, indexes) = (db.relations()?, db.indexes()?);
    on_primary(db)?;
    let mut found = Vec::new();
    for table in stored(relations).filter(|table| table.pages > 0) {
        let name = table.qualified();
        let share = table.all_visible_pages.max(0) as f64 / table.pages as f64;
        let large = table.heap_bytes as f64 >= cx.limit_for(&MIN_SIZE, &name);
        if !large || share >= cx.limit_for(&RATIO, &name) {
            continue;
        }
        let in_use = indexes.iter().filter(|index| index.table_oid == table.oid).find(|index| {
            is_covering(index)
                && index.scans as f64 >= cx.limit_for(&MIN_SCANS, &name)
                && index.rows_fetched * 2 > index.rows_read
        });
        let Some(index) = in_use else { continue };
        let finding = cx
            .finding(
                Severity::Info,
                subject(db, table),
                format!(
                    "only {} of the pages of {name} are all-visible: index-only scans visit the table",
                    words::percent(share)
                ),
                "Vacuum it; let autovacuum come more often by a lower scale factor on it.",
            )
            .with(
                Evidence::new("all-visible pages", share, Unit::Ratio, "pg_class.relallvisible")
                    .against(cx.limit_for(&RATIO, &name)),
            )
            .with(
                Evidence::new("size", table.heap_bytes, Unit::Bytes, "pg_relation_size")
                    .against(cx.limit_for(&MIN_SIZE, &name)),
            )
            .with(Evidence::new("covering index", index.qualified(), Unit::Text, "pg_index"))
            .with(
                Evidence::new("its scans", index.scans, Unit::Count, "pg_stat_all_indexes.idx_scan")
                    .against(cx.limit_for(&MIN_SCANS, &name)),
            )
            .with(Evidence::new(
                "rows fetched from the table",
                index.rows_fetched,
                Unit::Count,
                "pg_stat_all_indexes.idx_tup_fetch",
            ));
        found.push(
            with_since(finding, db, "time since the last vacuum", last_vacuum(table))
                .fixed_by(upkeep::vacuum(table))
                .promising("index-only scans stay within the index"),
        );
    }
    Ok(found)
}

/// Made to answer queries alone.
fn is_covering(index: &Index) -> bool {
    index.method == "btree"
        && (!index.included_columns.is_empty() || index.key_columns.len() > 1)
        && !index.key_columns.contains(&0)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, within};
    use crate::testing::{edit, findings, skipped};

    fn index() -> Index {
        Index {
            table_oid: 1,
            method: "btree".into(),
            key_columns: vec![1],
            included_columns: vec![2],
            scans: 1000,
            rows_read: 1000,
            rows_fetched: 501,
            ..Index::default()
        }
    }

    fn judge(visible: i64, index: Index) -> Vec<Finding> {
        let table = Relation { all_visible_pages: visible, ..orders() };
        findings(&CHECK, &within(vec![table], |db| *edit(&mut db.indexes) = vec![index]))
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(judge(49_999, index())[0].severity, Severity::Info);
        assert!(judge(50_000, index()).is_empty());
        assert!(judge(0, Index { scans: 999, ..index() }).is_empty());
        let size = |heap_bytes| {
            let table = Relation { all_visible_pages: 0, heap_bytes, ..orders() };
            let edited = within(vec![table], |db| *edit(&mut db.indexes) = vec![index()]);
            findings(&CHECK, &edited).len()
        };
        assert_eq!((size(104_857_599), size(104_857_600)), (0, 1));
    }

    #[test]
    fn an_index_that_cannot_or_need_not_be_enough_is_silent() {
        assert!(judge(0, Index { included_columns: vec![], ..index() }).is_empty());
        assert!(judge(0, Index { rows_fetched: 500, ..index() }).is_empty(), "it works as meant");
        assert!(judge(0, Index { method: "gin".into(), ..index() }).is_empty());
    }

    #[test]
    fn is_skipped_without_indexes() {
        let blind = within(vec![], |db| db.indexes = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
