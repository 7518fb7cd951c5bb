//! Indexes that would be much smaller if they were rebuilt.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Unit,
    pg::{index::Index, relation::Relation},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{
        bloat::{self, Bloat, Facts, drift, evidence},
        index::parts,
        table::statistics,
    },
    skip::{Judged, Skip},
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
    uses: &["relations", "index_columns", "extended_statistics", "measured", "growth"],
    thresholds: &[&WARNING, &WARNING_SIZE, &CRITICAL, &CRITICAL_SIZE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A B-tree of at least `warning_size_bytes` of which at least `warning_ratio` would be freed by a rebuild (critical
from `critical_size_bytes` and `critical_ratio`). The size after a rebuild is estimated from the planner's
statistics, those of expressions and combinations of columns among them; it models deduplication, alignment, NULLs,
predicates, included columns and the fill factor. Where `pgstattuple` is installed the leaf pages of suspects are
measured within a budget, and the fill factor is not taken for bloat. Either number carries its error; an index whose
bloat, less that error, is below the threshold is not reported. Nothing in the catalogue tells the size of a hash, GIN,
GiST or SP-GiST index after a rebuild: with `--since` such an index is held against the bytes it took for a row in the
earlier snapshot. BRIN is not judged.

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

pub(crate) static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.4,
    strict: None,
    range: (0.05, 1.0),
    why: "an ordinary B-tree settles at about a third of free space by page splits alone",
};

pub(crate) static WARNING_SIZE: Threshold = Threshold {
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
    let (relations, expressions) = (db.relations(), db.index_columns());
    let (combinations, measured) = (db.extended_statistics(), db.measured());
    let growth = db.server().growth();
    let server = db.server().server();
    let relations = relations.map_or(&[][..], Vec::as_slice);
    let facts = Facts::new(server.block_size_bytes, relations, columns)
        .with_expressions(expressions.map_or(&[][..], Vec::as_slice))
        .with_combinations(combinations.map_or(&[][..], Vec::as_slice))
        .with_measured(measured.map_or(&[][..], Vec::as_slice));
    let (mut found, mut seen, mut unknown) = (Vec::new(), 0, None);
    let judged =
        |index: &&Index| index.is_valid && index.extension.is_none() && index.method == "btree";
    for index in indexes.iter().filter(judged) {
        let name = index.qualified();
        if (index.size_bytes as f64) < cx.limit_for(&WARNING_SIZE, &name) {
            continue;
        }
        match bloat::of_index(&facts, index) {
            Some(bloat) => {
                seen += 1;
                found.extend(
                    severity(cx, &name, &bloat).map(|worst| finding(db, cx, index, &bloat, worst)),
                );
            }
            None => unknown = unknown.or(Some(index)),
        }
    }
    let tables = parts::by_oid(relations);
    let others = indexes.iter().filter(|index| index.is_valid && index.extension.is_none());
    for index in others {
        let name = index.qualified();
        let before = growth.as_ref().ok().and_then(|it| it.index_before(db.name(), index.oid));
        let drifted = before
            .zip(tables.get(&index.table_oid))
            .and_then(|(before, table)| drift::of_index(index, table, before));
        found.extend(drifted.and_then(|bloat| {
            severity(cx, &name, &bloat).map(|worst| finding(db, cx, index, &bloat, worst))
        }));
    }
    match unknown {
        Some(index) if seen == 0 => Err(unseen(db, relations, index)),
        _ => Ok(found),
    }
}

/// The share that is surely there decides: an error bar that reaches below the threshold swallows the finding.
fn severity(cx: &Context<'_>, name: &str, bloat: &Bloat) -> Option<Severity> {
    let beyond = |ratio: &Threshold, bytes: &Threshold| {
        bloat.bytes >= cx.limit_for(bytes, name) && bloat.at_least >= cx.limit_for(ratio, name)
    };
    if beyond(&CRITICAL, &CRITICAL_SIZE) {
        Some(Severity::Critical)
    } else {
        beyond(&WARNING, &WARNING_SIZE).then_some(Severity::Warning)
    }
}

/// Why no large index could be estimated, and what would open it.
fn unseen(db: &DatabaseView<'_>, relations: &[Relation], index: &Index) -> Skip {
    let table = relations.iter().find(|table| table.oid == index.table_oid);
    let analyzed = table.and_then(|table| table.has_statistics);
    let is_bare =
        analyzed == Some(false) || (analyzed == Some(true) && index.expressions.is_some());
    if is_bare {
        return Skip::disabled(
            format!("bloat is unknown: {} has no planner statistics", index.qualified()),
            format!("ANALYZE {};", sql::qualified(&index.schema, &index.table)),
        );
    }
    statistics::hidden(db)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    index: &Index,
    bloat: &Bloat,
    severity: Severity,
) -> Finding {
    let name = index.qualified();
    let version = db.server().server().version;
    let ratio = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let finding = cx
        .finding(
            severity,
            parts::subject(db, index),
            format!(
                "index {name} takes {}; rebuilt it would take about {} ({} bloat, give or take {} points)",
                words::bytes(bloat.bytes),
                words::bytes(bloat.rebuilt_bytes),
                words::percent(bloat.ratio),
                words::count((bloat.error() * 100.0).ceil())
            ),
            "Rebuild it concurrently, with disk space for a second copy at hand.",
        )
        .promising(format!("frees about {}", words::bytes(bloat.wasted_bytes())));
    let finding = evidence::with_bloat(finding, bloat, cx.limit_for(ratio, &name))
        .with(Evidence::new("size", bloat.bytes, Unit::Bytes, "pg_relation_size"));
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
    use dbvitals_model::{
        Snapshot,
        pg::{growth::IndexBefore, schema::Column},
    };

    use super::*;
    use crate::{
        pg::index::{fixture, keys},
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

    /// A hash or GIN index over a million rows, of which there were ten million when it had that size before.
    fn drifted(method: &str, before: i64, now: i64, modified: i64) -> Vec<Finding> {
        let snapshot = testing::pg(|pg| {
            edit(&mut pg.growth).indexes = vec![IndexBefore {
                database: "app".into(),
                oid: 5,
                bytes: before,
                table_rows: 10_000_000.0,
            }];
            let db = app(pg);
            let method = method.to_owned();
            let index = fixture::index(5, "i");
            let table_oid = index.table_oid;
            *edit(&mut db.indexes) = vec![Index { size_bytes: now, method, ..index }];
            *edit(&mut db.relations) = vec![Relation {
                oid: table_oid,
                kind: "r".into(),
                row_estimate: 1_000_000.0,
                modified_since_analyze: modified,
                ..Relation::default()
            }];
        });
        testing::findings(&CHECK, &snapshot)
    }

    #[test]
    fn other_methods_are_held_against_what_they_were() {
        let found = drifted("gin", 2 << 30, 2 << 30, 0);
        assert_eq!(found[0].severity, Severity::Critical);
        assert!(found[0].fix.is_some() && found[0].message.contains("90 % bloat"), "{found:?}");
        // Half as large for a tenth of the rows: 80 points less the error of each method.
        assert_eq!(drifted("gin", 2 << 30, 1 << 30, 0)[0].severity, Severity::Critical);
        assert_eq!(drifted("hash", 2 << 30, 1 << 30, 0)[0].severity, Severity::Warning);
        assert!(drifted("gin", 10 << 30, 1 << 30, 0).is_empty(), "as it was");
        assert!(drifted("brin", 2 << 30, 2 << 30, 0).is_empty());
        assert!(drifted("gin", 2 << 30, 2 << 30, 200_000).is_empty(), "rows are not known");
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
