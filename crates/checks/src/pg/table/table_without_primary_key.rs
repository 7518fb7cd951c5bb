//! Tables whose rows cannot be told apart.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Unit,
    pg::{index::Index, relation::Relation, schema::Column},
};

use super::{
    descendants::rows_below,
    ordinary::{is_users, not_twice, rows, sql_name, subject},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};

/// Tables without a primary key that are large or published.
pub static CHECK: Check = Check {
    id: "pg-table-without-primary-key",
    title: "Table without primary key",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &["columns", "indexes"],
    thresholds: &[&MIN_ROWS],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
An ordinary or partitioned table without a primary key that has at least `min_rows` rows, or is published for
logical replication without a replica identity. Partitions are judged by their parent.

## Why it matters
A row that cannot be named cannot be updated, deleted or corrected alone; duplicates go unnoticed. On a
published table every UPDATE and DELETE fails.

## How to fix
Promote a unique index over columns that are never null, if there is one (offered where it is). Otherwise add a
key: a generated `bigint` column rewrites the table.

## When to ignore
Append-only logs that nobody refers to, and staging tables.

## References
PostgreSQL documentation: Primary Keys; Logical Replication, Replica Identity.
",
    run: Run::Database(run),
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: Some(1000.0),
    range: (0.0, 1e12),
    why: "small tables are settings and scratch, which people look over by eye",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    let columns = db.columns().map_or(&[][..], Vec::as_slice);
    let indexes = db.indexes().map_or(&[][..], Vec::as_slice);
    not_twice(db)?;
    let mut found = Vec::new();
    for table in relations {
        let is_table = matches!(table.kind.as_str(), "r" | "p") && !table.is_partition;
        if !is_table || !is_users(table) || table.has_primary_key || table.is_locked {
            continue;
        }
        let name = table.qualified();
        let count = if table.kind == "p" { rows_below(relations, table.oid) } else { rows(table) };
        let mute = table.is_published && matches!(table.replica_identity.as_str(), "d" | "n");
        if count < cx.limit_for(&MIN_ROWS, &name) && !mute {
            continue;
        }
        let key = promotable(table, indexes, columns);
        found.push(finding(db, cx, table, count, mute, key));
    }
    Ok(found)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    table: &Relation,
    count: f64,
    mute: bool,
    key: Option<&Index>,
) -> Finding {
    let (name, quoted) = (table.qualified(), sql_name(table));
    let trouble = if mute { " and is published: its updates and deletes fail" } else { "" };
    let (advice, fix) = match key {
        Some(index) => (
            "Promote its unique index to a primary key.",
            Fix::new(
                FixKind::Review,
                [format!("ALTER TABLE {quoted} ADD PRIMARY KEY USING INDEX {};", sql::ident(&index.name))],
            )
            .locking("AccessExclusiveLock", format!("all reads and writes of {name} for a moment")),
        ),
        None => (
            "Choose the columns that name a row, build a unique index on them concurrently, and promote it.",
            Fix::new(
                FixKind::Manual,
                [format!("ALTER TABLE {quoted} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;")],
            )
            .locking("AccessExclusiveLock", format!("all reads and writes of {name} while it is rewritten")),
        ),
    };
    cx.finding(
        Severity::Warning,
        subject(db, table),
        format!("{name} ({} rows) has no primary key{trouble}", words::count(count)),
        advice,
    )
    .with(
        Evidence::new("rows", count, Unit::Count, "pg_class.reltuples")
            .against(cx.limit_for(&MIN_ROWS, &name)),
    )
    .with(Evidence::new(
        "published",
        if table.is_published { "yes" } else { "no" },
        Unit::Text,
        "pg_publication_tables",
    ))
    .with(Evidence::new(
        "replica identity",
        table.replica_identity.clone(),
        Unit::Text,
        "pg_class.relreplident",
    ))
    .fixed_by(fix)
}

/// A unique index that could become the primary key as it is.
fn promotable<'a>(table: &Relation, indexes: &'a [Index], columns: &[Column]) -> Option<&'a Index> {
    let never_null = |number: &i64| {
        columns.iter().any(|c| c.table_oid == table.oid && c.number == *number && c.is_not_null)
    };
    indexes.iter().find(|index| {
        table.kind == "r"
            && index.table_oid == table.oid
            && index.is_unique
            && index.is_valid
            && index.method == "btree"
            && index.constraint.is_none()
            && index.predicate.is_none()
            && index.expressions.is_none()
            && index.key_options.iter().all(|option| *option == 0)
            && index.key_columns.iter().all(never_null)
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::DatabaseSnapshot};

    use super::*;
    use crate::pg::table::sample::{orders, with, within};
    use crate::testing::{edit, findings, skipped};

    fn keyless(count: i64) -> Relation {
        Relation {
            has_primary_key: false,
            row_estimate: count as f64,
            live_rows: count,
            ..orders()
        }
    }

    fn unique(db: &mut DatabaseSnapshot, is_not_null: bool) {
        *edit(&mut db.indexes) = vec![Index {
            table_oid: 1,
            name: "orders_no".into(),
            method: "btree".into(),
            is_unique: true,
            is_valid: true,
            key_columns: vec![1],
            key_options: vec![0],
            ..Index::default()
        }];
        *edit(&mut db.columns) =
            vec![Column { table_oid: 1, number: 1, is_not_null, ..Column::default() }];
    }

    #[test]
    fn the_number_of_rows_has_two_sides() {
        assert!(findings(&CHECK, &with(vec![keyless(9_999)])).is_empty());
        let found = findings(&CHECK, &with(vec![keyless(10_000)]));
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(found[0].fix.as_ref().unwrap().kind, FixKind::Manual);
        assert!(findings(&CHECK, &with(vec![orders()])).is_empty());
    }

    #[test]
    fn a_published_table_needs_an_identity_however_small() {
        let published = Relation { is_published: true, ..keyless(1) };
        assert!(
            findings(&CHECK, &with(vec![published.clone()]))[0].message.contains("deletes fail")
        );
        let full = Relation { replica_identity: "f".into(), ..published };
        assert!(findings(&CHECK, &with(vec![full])).is_empty());
    }

    #[test]
    fn a_unique_index_without_nulls_is_promoted() {
        let statement = |never_null| {
            let snapshot = within(vec![keyless(10_000)], |db| unique(db, never_null));
            findings(&CHECK, &snapshot)[0].fix.as_ref().unwrap().statements[0].clone()
        };
        assert_eq!(
            statement(true),
            "ALTER TABLE app.orders ADD PRIMARY KEY USING INDEX orders_no;"
        );
        assert!(statement(false).contains("GENERATED ALWAYS AS IDENTITY"));
    }

    #[test]
    fn a_partitioned_table_is_told_once_with_the_rows_of_all() {
        let parent = Relation { kind: "p".into(), live_rows: 0, row_estimate: -1.0, ..keyless(0) };
        let part =
            |oid| Relation { oid, is_partition: true, parent_oid: Some(1), ..keyless(5_000) };
        assert_eq!(findings(&CHECK, &with(vec![parent.clone(), part(2), part(3)])).len(), 1);
        assert!(findings(&CHECK, &with(vec![parent, part(2)])).is_empty());
    }

    #[test]
    fn materialised_views_and_extensions_tables_are_silent() {
        let view = Relation { kind: "m".into(), ..keyless(99_999) };
        let owned = Relation { extension: Some("postgis".into()), ..keyless(99_999) };
        assert!(findings(&CHECK, &with(vec![view, owned])).is_empty());
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind =
            within(vec![], |db| db.relations = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
