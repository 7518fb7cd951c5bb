//! B-trees on arrays and documents, which answer almost no question anybody asks.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::index::{keys, parts},
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Plain B-trees whose leading key is an array or jsonb column.
pub static CHECK: Check = Check {
    id: "pg-btree-on-array-or-jsonb",
    title: "B-tree on an array or jsonb",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["indexes", "columns"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A B-tree that is not unique and whose first key is a whole array or jsonb column.

## Why it matters
It only answers equality and order of whole values. Containment (`@>`), existence (`?`) and overlap (`&&`), which
queries on such columns use, need GIN. It can also refuse rows whose value exceeds a third of a page.

## How to fix
Create a GIN index and drop the B-tree. For one field of a document, a B-tree on the expression
(`(tags ->> 'category')`) is smaller and faster.

## When to ignore
When whole values are compared for equality and nothing else.

## References
PostgreSQL documentation: GIN Indexes; JSON Types, jsonb Indexing.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, columns) = (db.indexes()?, db.columns()?);
    let columns = keys::by_key(columns);
    let mut found = Vec::new();
    for index in indexes.iter().filter(|index| index.method == "btree" && parts::is_judged(index)) {
        let Some(column) = keys::column(&columns, index, 0) else { continue };
        let is_container = column.type_id == "jsonb" || column.type_name.ends_with("[]");
        if !is_container || parts::is_protected(index) {
            continue;
        }
        let name = index.qualified();
        let finding = cx
            .finding(
                Severity::Warning,
                parts::subject(db, index),
                format!("index {name} is a B-tree on {}, a {}", column.name, column.type_name),
                "Use GIN for containment, or a B-tree on the one field that is asked for.",
            )
            .with(Evidence::new("type", column.type_name.as_str(), Unit::Text, "pg_attribute"))
            .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
            .with(Evidence::new("scans", index.scans, Unit::Count, "pg_stat_all_indexes.idx_scan"))
            .fixed_by(gin(index, &column.name));
        found.push(finding);
    }
    Ok(found)
}

fn gin(index: &Index, column: &str) -> Fix {
    let name = parts::successor(index, "_gin");
    let table = sql::qualified(&index.schema, &index.table);
    let (quoted, new) = (sql::ident(column), sql::ident(&name));
    let create = format!("CREATE INDEX CONCURRENTLY {new} ON {table} USING gin ({quoted});");
    parts::replace_fix(index, &name, create)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::schema::Column;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn fires(type_id: &str, type_name: &str, index: Index) -> bool {
        let snapshot = testing::database(|db| {
            let column = Column {
                type_id: type_id.into(),
                type_name: type_name.into(),
                ..keys::fixture(3, "tags")
            };
            *edit(&mut db.columns) = vec![column];
            *edit(&mut db.indexes) = vec![index];
        });
        !testing::findings(&CHECK, &snapshot).is_empty()
    }

    #[test]
    fn containers_fire_and_scalars_gin_and_unique_do_not() {
        let plain = || fixture::index(5, "i");
        assert!(fires("jsonb", "jsonb", plain()));
        assert!(fires("_text", "text[]", plain()));
        assert!(!fires("text", "text", plain()));
        assert!(!fires("jsonb", "jsonb", Index { method: "gin".into(), ..plain() }));
        assert!(!fires("jsonb", "jsonb", Index { is_unique: true, ..plain() }));
        assert!(!fires("jsonb", "jsonb", Index { key_columns: vec![0], ..plain() }));
    }
}
