//! Foreign keys whose referring side has no index.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit,
    pg::{relation::Relation, schema::Constraint},
};
use dbvitals_query::{Names, NewIndex, Tree, given_away};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{
        index::parts,
        table::descendants::{leaves, rows_of},
    },
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};

/// Foreign keys that make every delete of a parent read the whole child.
pub static CHECK: Check = Check {
    id: "pg-foreign-key-without-index",
    title: "Foreign key without an index",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["constraints", "indexes", "relations"],
    uses: &[],
    thresholds: &[&MIN_ROWS, &MIN_LISTED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A foreign key whose columns are not the first keys of any valid, complete B-tree index of the referring table.
It is a warning when that table has at least `min_rows_count` rows and rows of the referenced table were
deleted or updated; else it is information. Tables known to have less than `min_listed_count` rows are left alone.

## Why it matters
Deleting a parent row, or changing its key, looks for children. Without an index that reads the whole child
table, once per parent row, while holding locks. Joins from parent to child suffer as well.

## How to fix
Create the index concurrently. An index that begins with the key's columns, in any order, serves too.

## When to ignore
When parents are never deleted and nobody joins from them.

## References
PostgreSQL documentation: Constraints, Foreign Keys.
",
    run: Run::Database(run),
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows_count",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "below ten thousand rows a sequential scan of the child takes about a millisecond",
};

static MIN_LISTED: Threshold = Threshold {
    key: "min_listed_count",
    unit: Unit::Count,
    default: 1000.0,
    strict: Some(0.0),
    range: (0.0, 1e12),
    why: "less than a thousand rows are a few pages: reading them all is as fast as an index",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (constraints, indexes, relations) = (db.constraints()?, db.indexes()?, db.relations()?);
    let tables = parts::by_oid(relations);
    let by_table = parts::by_table(indexes);
    let mut found = Vec::new();
    let mut taken = None;
    for key in constraints.iter().filter(|key| key.kind == "f" && key.parent_oid.is_none()) {
        let own = by_table.get(&key.table_oid);
        let is_served = own.is_some_and(|own| own.iter().any(|i| parts::serves(i, &key.columns)));
        let Some(child) = tables.get(&key.table_oid) else { continue };
        // Neither analysed nor written to since statistics began: nobody knows its size.
        let has_size = |table: &Relation| table.row_estimate >= 0.0 || table.live_rows > 0;
        let is_known = match child.kind.as_str() {
            "p" => leaves(relations, child.oid).into_iter().all(has_size),
            _ => has_size(child),
        };
        let rows = rows_of(relations, child);
        let is_small = is_known && rows < cx.limit_for(&MIN_LISTED, &child.qualified());
        if is_served || is_small || child.extension.is_some() {
            continue;
        }
        let parent = key.referenced_oid.and_then(|oid| tables.get(&oid)).copied();
        let taken = taken.get_or_insert_with(|| given_away(relations.iter(), indexes));
        let fix = create(key, child, relations, taken);
        found.push(finding(db, cx, key, (child, parent), rows, fix));
    }
    Ok(found)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    key: &Constraint,
    (child, parent): (&Relation, Option<&Relation>),
    rows: f64,
    fix: Fix,
) -> Finding {
    let table = child.qualified();
    let changes = parent.map_or(0, |parent| parent.deletes + parent.updates);
    let least = cx.limit_for(&MIN_ROWS, &table);
    let is_costly = rows >= least && changes > 0;
    let severity = if is_costly { Severity::Warning } else { Severity::Info };
    let subject =
        Subject::within("constraint", db.name(), format!("{table}.{}", key.name)).of_table(&table);
    let referenced = match (&key.referenced_schema, &key.referenced_table) {
        (Some(schema), Some(name)) => format!("{schema}.{name}"),
        _ => "the referenced table".to_owned(),
    };
    cx.finding(
        severity,
        subject,
        format!(
            "foreign key {} of {table} ({}) has no index: deleting from {referenced} reads all {} rows",
            key.name,
            key.column_names.join(", "),
            words::count(rows)
        ),
        "Create an index on the referring columns, concurrently.",
    )
    .with(Evidence::new("rows of the referring table", rows, Unit::Count, "pg_class").against(least))
    .with(
        Evidence::new(
            "deletes and updates of the referenced table",
            changes,
            Unit::Count,
            "pg_stat_all_tables",
        )
        .against(1.0),
    )
    .fixed_by(fix)
    .promising("deleting a parent row looks up its children instead of reading the whole table")
}

fn create(key: &Constraint, child: &Relation, relations: &[Relation], taken: &mut Names) -> Fix {
    let tree = Tree::of(child, &relations.iter().collect::<Vec<_>>());
    let keys = sql::idents(&key.column_names);
    NewIndex { tree: &tree, method: "", keys: &keys, named: &key.column_names }
        .fix(FixKind::Review, taken)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, pg::index::Index};

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn with(rows: f64, deletes: i64, indexes: Vec<Index>) -> Snapshot {
        testing::database(|db| {
            let child = Relation { row_estimate: rows, live_rows: 0, ..fixture::table() };
            let parent = Relation { oid: 9, name: "users".into(), deletes, ..fixture::table() };
            *edit(&mut db.relations) = vec![child, parent];
            *edit(&mut db.constraints) = vec![fixture::foreign_key("orders_user_fk", &[4])];
            *edit(&mut db.indexes) = indexes;
        })
    }

    fn severity(rows: f64, deletes: i64) -> Severity {
        testing::findings(&CHECK, &with(rows, deletes, Vec::new()))[0].severity
    }

    #[test]
    fn size_and_deletes_decide_the_severity() {
        assert_eq!(severity(10_000.0, 1), Severity::Warning);
        assert_eq!(severity(9_999.0, 1), Severity::Info);
        assert_eq!(severity(10_000.0, 0), Severity::Info);
    }

    #[test]
    fn a_table_of_a_few_pages_needs_none() {
        let count = |rows| testing::findings(&CHECK, &with(rows, 1, Vec::new())).len();
        assert_eq!((count(999.0), count(1000.0)), (0, 1));
        assert_eq!(count(-1.0), 1, "nobody knows how many rows it has");
    }

    #[test]
    fn an_index_that_begins_with_the_key_serves_in_any_order() {
        let served = |index| testing::findings(&CHECK, &with(1e6, 1, vec![index])).is_empty();
        assert!(served(fixture::wider(5, "own", &[4])));
        assert!(served(fixture::wider(5, "longer", &[4, 7])));
        assert!(!served(fixture::wider(5, "behind", &[7, 4])));
        let partial = Index { predicate: Some("x".into()), ..fixture::wider(5, "part", &[4]) };
        assert!(!served(partial));
        assert!(!served(Index { is_valid: false, ..fixture::wider(5, "invalid", &[4]) }));
    }

    #[test]
    fn the_fix_creates_the_index_concurrently_and_names_its_undo() {
        let found = testing::findings(&CHECK, &with(1e6, 1, Vec::new()));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(
            fix.statements,
            ["CREATE INDEX CONCURRENTLY orders_c4_idx ON public.orders (c4);"]
        );
        assert_eq!(fix.undo, ["DROP INDEX CONCURRENTLY public.orders_c4_idx;"]);
    }

    #[test]
    fn partitions_of_partitions_get_an_index_each() {
        let snapshot = testing::database(|db| {
            let table = |oid, parent, kind: &str, name: &str| Relation {
                oid,
                parent_oid: parent,
                is_partition: parent.is_some(),
                kind: kind.into(),
                name: name.into(),
                row_estimate: 1e6,
                ..fixture::table()
            };
            let own = fixture::table().oid;
            *edit(&mut db.relations) = vec![
                table(own, None, "p", "orders"),
                table(71, Some(own), "p", "orders_eu"),
                table(72, Some(71), "r", "orders_eu_1"),
            ];
            *edit(&mut db.constraints) = vec![fixture::foreign_key("orders_user_fk", &[4])];
            *edit(&mut db.indexes) = Vec::new();
        });
        let found = testing::findings(&CHECK, &snapshot);
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements.len(), 5, "{fix:?}");
        assert_eq!(
            fix.statements[2],
            "CREATE INDEX CONCURRENTLY orders_eu_1_c4_idx ON public.orders_eu_1 (c4);"
        );
    }
}
