//! Tables, indexes and foreign keys for the tests of this topic.

use dbvitals_model::pg::{index::Index, relation::Relation, schema::Constraint};

/// A plain B-tree on the third column of `orders`, large and never scanned.
pub(super) fn index(oid: i64, name: &str) -> Index {
    Index {
        oid,
        table_oid: 1,
        schema: "public".into(),
        name: name.into(),
        table: "orders".into(),
        method: "btree".into(),
        is_valid: true,
        is_ready: true,
        is_live: true,
        key_columns: vec![3],
        key_names: vec!["note".into()],
        opclasses: vec![3126],
        collations: vec![100],
        key_options: vec![0],
        size_bytes: 200 << 20,
        pages: 25_600,
        row_estimate: 1e6,
        definition: format!("CREATE INDEX {name} ON public.orders USING btree (note)"),
        ..Index::default()
    }
}

/// The same index over more columns.
pub(super) fn wider(oid: i64, name: &str, columns: &[i64]) -> Index {
    Index {
        key_columns: columns.to_vec(),
        key_names: columns.iter().map(|column| format!("c{column}")).collect(),
        opclasses: vec![3126; columns.len()],
        collations: vec![100; columns.len()],
        key_options: vec![0; columns.len()],
        ..index(oid, name)
    }
}

/// `public.orders`, a million rows in 500 MB.
pub(super) fn table() -> Relation {
    Relation {
        oid: 1,
        schema: "public".into(),
        name: "orders".into(),
        kind: "r".into(),
        persistence: "p".into(),
        row_estimate: 1e6,
        pages: 64_000,
        heap_bytes: 500 << 20,
        live_rows: 1_000_000,
        ..Relation::default()
    }
}

/// A foreign key of `orders` to `public.users`, table 9.
pub(super) fn foreign_key(name: &str, columns: &[i64]) -> Constraint {
    let names: Vec<String> = columns.iter().map(|column| format!("c{column}")).collect();
    Constraint {
        name: name.into(),
        kind: "f".into(),
        schema: "public".into(),
        table: "orders".into(),
        table_oid: 1,
        columns: columns.to_vec(),
        column_names: names.clone(),
        column_types: vec!["bigint".into(); columns.len()],
        referenced_oid: Some(9),
        referenced_schema: Some("public".into()),
        referenced_table: Some("users".into()),
        referenced_columns: columns.to_vec(),
        referenced_names: names,
        referenced_types: vec!["bigint".into(); columns.len()],
        is_validated: true,
        definition: "FOREIGN KEY (c4) REFERENCES users(c4)".into(),
        ..Constraint::default()
    }
}
