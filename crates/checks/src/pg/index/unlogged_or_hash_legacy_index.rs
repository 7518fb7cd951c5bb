//! Hash indexes where a B-tree does as much and more.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit, pg::index::Index};

use crate::pg::table::ordinary::{by_oid, is_users, not_twice};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};

/// Hash indexes on short keys.
pub static CHECK: Check = Check {
    id: "pg-unlogged-or-hash-legacy-index",
    title: "Hash index on a short key",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["indexes", "relations", "columns"],
    uses: &[],
    thresholds: &[&WIDTH, &SIZE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A hash index of at least `min_size_bytes` whose key is at most `max_key_width_bytes` wide. Before PostgreSQL 10
such indexes were not written to WAL, like those of an unlogged table; many are left from then. Indexes of
unlogged tables share their table's fate, which pg-unlogged-table tells.

## Why it matters
A hash index answers only `=` on one column: it cannot sort, serve ranges or prefixes, be unique, answer from the
index alone, or skip repeats. For short keys a B-tree is as fast, and with many repeats it is smaller, since it
stores each key once.

## How to fix
Build the B-tree beside it, then drop the hash index.

## When to ignore
Long keys (URLs, tokens): there a hash index, which stores four bytes of each, is much the smaller.

## References
PostgreSQL documentation: Hash Indexes; B-Tree Deduplication.
",
    run: Run::Database(run),
};

static WIDTH: Threshold = Threshold {
    key: "max_key_width_bytes",
    unit: Unit::Bytes,
    default: 16.0,
    strict: None,
    range: (1.0, 2_000.0),
    why: "up to the width of a UUID, the entries of a B-tree are hardly larger than those of a hash index",
};

static SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below a megabyte neither form costs anything",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, relations, columns) = (db.indexes()?, db.relations()?, db.columns()?);
    not_twice(db)?;
    let mut found = Vec::new();
    let hashes =
        indexes.iter().filter(|i| i.method == "hash" && i.is_valid && i.extension.is_none());
    for index in hashes.filter(|i| by_oid(relations, i.table_oid).is_some_and(is_users)) {
        let name = index.qualified();
        let key = index.key_columns.first().copied().unwrap_or(0);
        let column = columns.iter().find(|c| c.table_oid == index.table_oid && c.number == key);
        let width = column.and_then(|column| match column.length {
            length if length > 0 => Some(length),
            _ => column.average_width,
        });
        let Some(width) = width.map(|width| width as f64) else { continue };
        let is_short = width <= cx.limit_for(&WIDTH, &name);
        if is_short && index.size_bytes as f64 >= cx.limit_for(&SIZE, &name) {
            found.push(finding(db, cx, index, width));
        }
    }
    Ok(found)
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, index: &Index, width: f64) -> Finding {
    let (name, table) = (index.qualified(), index.qualified_table());
    let found = cx
        .finding(
            Severity::Info,
            Subject::within("index", db.name(), &name).of_table(&table),
            format!(
                "{name} is a hash index of {} on a key of {width} bytes: it answers `=` alone",
                words::bytes(index.size_bytes as f64)
            ),
            "Build a B-tree in its place unless the keys are long.",
        )
        .with(
            Evidence::new("key width", width, Unit::Bytes, "pg_attribute, pg_stats")
                .against(cx.limit_for(&WIDTH, &name)),
        )
        .with(
            Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size")
                .against(cx.limit_for(&SIZE, &name)),
        )
        .with(Evidence::new("scans", index.scans, Unit::Count, "pg_stat_all_indexes"));
    let Some(column) = index.key_names.first().filter(|_| index.parent_oid.is_none()) else {
        return found;
    };
    let on = sql::qualified(&index.schema, &index.table);
    let only = index.predicate.as_ref().map_or_else(String::new, |p| format!(" WHERE {p}"));
    let fix = Fix::new(
        FixKind::Review,
        [
            format!("CREATE INDEX CONCURRENTLY ON {on} ({}){only};", sql::ident(column)),
            format!("DROP INDEX CONCURRENTLY {};", sql::qualified(&index.schema, &index.name)),
        ],
    )
    .locking("ShareUpdateExclusiveLock", format!("VACUUM and DDL on {table}, not reads or writes"))
    .undone_by([format!("{};", index.definition)]);
    found.fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Section,
        pg::{relation::Relation, schema::Column},
    };

    use super::*;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Index, &mut Column)) -> Vec<Finding> {
        let mut index = Index {
            table_oid: 1,
            schema: "app".into(),
            name: "by_email".into(),
            table: "users".into(),
            method: "hash".into(),
            is_valid: true,
            key_columns: vec![2],
            key_names: vec!["Email".into()],
            definition: "CREATE INDEX by_email ON app.users USING hash (\"Email\")".into(),
            size_bytes: 1_048_576,
            ..Index::default()
        };
        let mut column = Column {
            table_oid: 1,
            number: 2,
            length: -1,
            average_width: Some(16),
            ..Column::default()
        };
        change(&mut index, &mut column);
        let table = Relation {
            oid: 1,
            schema: "app".into(),
            name: "users".into(),
            kind: "r".into(),
            ..Relation::default()
        };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.indexes) = vec![index];
                *edit(&mut db.columns) = vec![column];
                *edit(&mut db.relations) = vec![table];
            }),
        )
    }

    #[test]
    fn fires_and_builds_a_btree() {
        let fix = found(|_, _| {}).remove(0).fix.unwrap();
        assert_eq!(
            fix.statements,
            [
                "CREATE INDEX CONCURRENTLY ON app.users (\"Email\");",
                "DROP INDEX CONCURRENTLY app.by_email;"
            ]
        );
        assert_eq!(
            found(|_, column| {
                column.length = 8;
                column.average_width = None;
            })
            .len(),
            1
        );
    }

    #[test]
    fn long_small_and_other_indexes_are_silent() {
        assert!(found(|_, column| column.average_width = Some(17)).is_empty());
        assert!(found(|_, column| column.average_width = None).is_empty(), "width unknown");
        assert!(found(|index, _| index.size_bytes -= 1).is_empty());
        assert!(found(|index, _| index.method = "btree".into()).is_empty());
        assert!(found(|index, _| index.is_valid = false).is_empty(), "told by pg-invalid-index");
        assert!(found(|index, _| index.key_columns = vec![0]).is_empty(), "an expression");
    }

    #[test]
    fn is_skipped_without_indexes() {
        testing::skipped(&CHECK, &testing::database(|db| db.indexes = Section::default()));
    }
}
