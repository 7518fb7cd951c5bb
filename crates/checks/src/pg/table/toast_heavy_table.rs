//! Tables most of whose bytes lie in their TOAST table.

use dbvitals_model::{Evidence, Severity, Unit, pg::schema::Column};

use super::ordinary::{not_twice, stored, subject};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// TOAST against heap, with the columns that fill it.
pub static CHECK: Check = Check {
    id: "pg-toast-heavy-table",
    title: "TOAST-heavy table",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &["columns"],
    thresholds: &[&RATIO, &MIN_SIZE],
    fix: None,
    explain: "\
## What it detects
A table whose TOAST table (with its index) takes at least `toast_ratio` of both together and at least `min_size_bytes`.

## Why it matters
Each wide value is a second lookup and a decompression; `SELECT *` pays for it whether it needs the value or not, and
vacuum, backup and replication carry it along.

## How to fix
Select only the columns needed. Compress with `lz4` (14+: `ALTER COLUMN … SET COMPRESSION lz4`), which is read much
faster; new values only. Move documents that are rarely read to a table or a store of their own.

## When to ignore
Tables that exist to hold documents.

## References
PostgreSQL documentation: TOAST; `default_toast_compression`.
",
    run: Run::Database(run),
};

static RATIO: Threshold = Threshold {
    key: "toast_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.0, 1.0),
    why: "four fifths of the bytes lie outside the rows",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below a gigabyte there is nothing to gain by moving it",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    let columns = db.columns().map_or(&[][..], Vec::as_slice);
    not_twice(db)?;
    let mut found = Vec::new();
    for table in stored(relations) {
        let name = table.qualified();
        let toast = table.toast_bytes as f64;
        let share = toast / (toast + table.heap_bytes as f64).max(1.0);
        if share < cx.limit_for(&RATIO, &name) || toast < cx.limit_for(&MIN_SIZE, &name) {
            continue;
        }
        let wide = columns.iter().filter(|c| c.table_oid == table.oid && is_toastable(c));
        let names: Vec<&str> = wide.take(5).map(|column| column.name.as_str()).collect();
        let finding = cx
            .finding(
                Severity::Info,
                subject(db, table),
                format!(
                    "{} of the bytes of {name} ({}) lie in its TOAST table",
                    words::percent(share),
                    words::bytes(toast)
                ),
                "Select only the columns needed, compress with lz4, or move rarely read documents elsewhere.",
            )
            .with(
                Evidence::new("TOAST share", share, Unit::Ratio, "pg_total_relation_size")
                    .against(cx.limit_for(&RATIO, &name)),
            )
            .with(
                Evidence::new("TOAST size", table.toast_bytes, Unit::Bytes, "pg_total_relation_size")
                    .against(cx.limit_for(&MIN_SIZE, &name)),
            )
            .with(Evidence::new("heap size", table.heap_bytes, Unit::Bytes, "pg_relation_size"));
        found.push(if names.is_empty() {
            finding
        } else {
            finding.with(Evidence::new("columns", names.join(", "), Unit::Text, "pg_attribute"))
        });
    }
    Ok(found)
}

fn is_toastable(column: &Column) -> bool {
    column.length == -1 && matches!(column.storage.as_str(), "x" | "e") && !column.is_dropped
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with, within};
    use crate::testing::{findings, skipped};

    fn judge(toast_bytes: i64, heap_bytes: i64) -> Vec<Finding> {
        findings(&CHECK, &with(vec![Relation { toast_bytes, heap_bytes, ..orders() }]))
    }

    #[test]
    fn share_and_size_have_two_sides() {
        assert_eq!(judge(4_000_000_000, 1_000_000_000)[0].severity, Severity::Info);
        assert!(judge(3_999_999_996, 1_000_000_000).is_empty());
        assert!(judge(1_073_741_823, 0).is_empty());
        assert_eq!(judge(1_073_741_824, 0).len(), 1);
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind =
            within(vec![], |db| db.relations = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
