//! Indexes that would be much smaller if they were rebuilt.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::{
        bloat::{self, Estimate},
        keys, parts,
    },
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};

/// B-trees whose estimated free space is large in share and in bytes.
pub static CHECK: Check = Check {
    id: "pg-bloated-index",
    title: "Bloated index",
    topic: Topic::Indexes,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["indexes", "columns"],
    uses: &[],
    thresholds: &[&WARNING, &WARNING_SIZE, &CRITICAL, &CRITICAL_SIZE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A B-tree of at least `warning_size_bytes` of which at least `warning_ratio` would be freed by a rebuild (critical
from `critical_size_bytes` and `critical_ratio`), by an estimate from the planner's statistics that models
deduplication, alignment, NULLs and the fill factor. The estimate carries its expected error; an index whose
bloat, less that error, is below the threshold is not reported.

## Why it matters
Empty space is read, cached and backed up like data.

## How to fix
`REINDEX INDEX CONCURRENTLY` needs disk space for a second copy and reads the table twice. Not on 14.0 to 14.3,
where it can corrupt the index.

## When to ignore
Queues and other tables that fill and empty: the space is used again.

## References
PostgreSQL documentation: `REINDEX`, Routine Reindexing; release notes of 14.4.
",
    run: Run::Database(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.4,
    strict: None,
    range: (0.05, 1.0),
    why: "an ordinary B-tree settles at about a third of free space by page splits alone",
};

static WARNING_SIZE: Threshold = Threshold {
    key: "warning_size_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below 100 MB a rebuild frees less than anybody would notice",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: None,
    range: (0.05, 1.0),
    why: "more than two thirds of every read are for nothing",
};

static CRITICAL_SIZE: Threshold = Threshold {
    key: "critical_size_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a gigabyte of which most is empty crowds out real data",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, columns) = (db.indexes()?, db.columns()?);
    let columns = keys::by_key(columns);
    keys::require_statistics(&columns, db)?;
    let mut found = Vec::new();
    for index in indexes.iter().filter(|index| index.is_valid && index.extension.is_none()) {
        let name = index.qualified();
        let limit = |threshold| cx.limit_for(threshold, &name);
        let size = index.size_bytes as f64;
        if size < limit(&WARNING_SIZE) {
            continue;
        }
        let Some(estimate) = bloat::estimate(index, &columns) else { continue };
        let surely = estimate.bloat_ratio - estimate.error_ratio;
        let severity = if size >= limit(&CRITICAL_SIZE) && surely >= limit(&CRITICAL) {
            Severity::Critical
        } else if surely >= limit(&WARNING) {
            Severity::Warning
        } else {
            continue;
        };
        let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
        found.push(finding(db, cx, index, &estimate, severity, limit(threshold)));
    }
    Ok(found)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    index: &Index,
    estimate: &Estimate,
    severity: Severity,
    threshold: f64,
) -> Finding {
    let name = index.qualified();
    let version = db.server().server().version;
    let freed = index.size_bytes as f64 - estimate.rebuilt_bytes;
    let finding = cx
        .finding(
            severity,
            parts::subject(db, index),
            format!(
                "index {name} takes {}; rebuilt it would take about {}",
                words::bytes(index.size_bytes as f64),
                words::bytes(estimate.rebuilt_bytes)
            ),
            "Rebuild it concurrently, with disk space for a second copy at hand.",
        )
        .with(
            Evidence::new(
                "estimated bloat",
                estimate.bloat_ratio,
                Unit::Ratio,
                "pg_stats, B-tree layout",
            )
            .against(threshold),
        )
        .with(Evidence::new(
            "error of the estimate, ±",
            estimate.error_ratio,
            Unit::Ratio,
            "by shape",
        ))
        .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
        .with(Evidence::new("size if rebuilt", estimate.rebuilt_bytes, Unit::Bytes, "estimate"))
        .promising(format!("frees about {}", words::bytes(freed)));
    if version.major == 14 && version.minor < 4 {
        // REINDEX CONCURRENTLY can corrupt indexes there; updating comes first.
        return finding;
    }
    let statement =
        format!("REINDEX INDEX CONCURRENTLY {};", sql::qualified(&index.schema, &index.name));
    finding.fixed_by(parts::concurrent_fix(index, vec![statement]))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, pg::schema::Column};

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, app, edit},
    };

    /// A unique bigint index over a million rows, which takes 22 MB when fresh.
    fn with(size_bytes: i64, minor: u32) -> Snapshot {
        testing::pg(|pg| {
            pg.server.version = dbvitals_model::ServerVersion::new(14, minor, 0);
            let db = app(pg);
            *edit(&mut db.indexes) =
                vec![Index { size_bytes, is_unique: true, ..fixture::index(5, "i") }];
            *edit(&mut db.columns) = vec![Column {
                length: 8,
                alignment: "d".into(),
                average_width: Some(8),
                null_ratio: Some(0.0),
                n_distinct: Some(-1.0),
                ..keys::fixture(3, "id")
            }];
        })
    }

    fn severity(size_bytes: i64) -> Option<Severity> {
        testing::findings(&CHECK, &with(size_bytes, 9)).first().map(|finding| finding.severity)
    }

    #[test]
    fn size_and_share_decide() {
        assert_eq!(severity(100 << 20), Some(Severity::Warning));
        assert_eq!(severity((100 << 20) - 1), None);
        assert_eq!(severity(1 << 30), Some(Severity::Critical));
        assert_eq!(severity((1 << 30) - 1), Some(Severity::Warning));
    }

    #[test]
    fn reindex_is_not_offered_where_it_corrupts() {
        let fix = |minor| testing::findings(&CHECK, &with(1 << 30, minor))[0].fix.clone();
        assert!(fix(3).is_none());
        assert!(fix(4).is_some());
    }

    #[test]
    fn without_statistics_bloat_is_unknown_not_nought() {
        let snapshot = testing::database(|db| {
            *edit(&mut db.indexes) = vec![Index { size_bytes: 1 << 30, ..fixture::index(5, "i") }];
            *edit(&mut db.columns) = vec![keys::fixture(3, "id")];
        });
        assert!(testing::skipped(&CHECK, &snapshot).is_gap());
    }
}
