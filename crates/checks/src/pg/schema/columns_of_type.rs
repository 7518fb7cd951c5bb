//! Columns of one kind, gathered by table.

use std::collections::BTreeMap;

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Unit,
    pg::{relation::Relation, schema::Column},
};

use crate::{
    context::Context,
    pg::{
        config::advice::{listed, many},
        table::ordinary::{is_users, sql_name, subject},
    },
    sql,
    view::DatabaseView,
};

/// The lock of a change of type.
pub const REWRITE_LOCK: &str = "AccessExclusiveLock";

/// Where the columns come from, and what that leaves out.
pub const SOURCE: &str = "pg_attribute of the 2,000 largest tables";

/// The matching columns of one table.
#[derive(Debug)]
pub struct Group<'a> {
    /// Their table.
    pub relation: &'a Relation,
    /// The columns in their order.
    pub columns: Vec<&'a Column>,
}

/// Matching columns of the user's own tables by table, in the order of names. Partitions are left out:
/// their columns are their parent's. So are views of data (materialised views), which follow their query.
pub fn by_table<'a>(
    columns: &'a [Column],
    relations: &'a [Relation],
    matches: impl Fn(&Column) -> bool,
) -> Vec<Group<'a>> {
    let tables: BTreeMap<i64, &Relation> = relations
        .iter()
        .filter(|r| is_users(r) && !r.is_partition && matches!(r.kind.as_str(), "r" | "p"))
        .map(|relation| (relation.oid, relation))
        .collect();
    let mut groups: BTreeMap<(&str, &str), Group<'a>> = BTreeMap::new();
    for column in columns.iter().filter(|column| !column.is_dropped && matches(column)) {
        let Some(relation) = tables.get(&column.table_oid) else { continue };
        groups
            .entry((&relation.schema, &relation.name))
            .or_insert_with(|| Group { relation, columns: Vec::new() })
            .columns
            .push(column);
    }
    groups.into_values().collect()
}

/// `3 columns in 2 tables`.
pub fn columns_in_tables(columns: usize, tables: usize) -> String {
    format!("{} in {}", many(columns, "column"), many(tables, "table"))
}

impl Group<'_> {
    /// The table's name for people.
    pub fn table(&self) -> String {
        self.relation.qualified()
    }

    /// `column a`, or `columns a, b`.
    pub fn named(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let word = if names.len() == 1 { "column" } else { "columns" };
        format!("{word} {}", listed(&names, 5))
    }

    /// `is` or `are`.
    pub fn verb(&self) -> &'static str {
        if self.columns.len() == 1 { "is" } else { "are" }
    }

    /// The columns with their types.
    pub fn detail(&self) -> String {
        let each: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("{}.{} {}", self.table(), column.name, column.type_name))
            .collect();
        listed(&each, 20)
    }

    /// One statement that changes each column.
    pub fn changes(&self, change: impl Fn(&Column) -> String) -> Vec<String> {
        let each: Vec<String> = self
            .columns
            .iter()
            .map(|column| format!("ALTER COLUMN {} {}", sql::ident(&column.name), change(column)))
            .collect();
        vec![format!("ALTER TABLE {} {};", sql_name(self.relation), each.join(", "))]
    }

    /// What a rewrite blocks.
    pub fn blocks(&self) -> String {
        format!("reads and writes of {} while it is rewritten", sql_name(self.relation))
    }

    /// A finding that they are `of` a type better left, with the statement that gives each the type `to` tells.
    pub fn better_changed(
        &self,
        (db, cx): (&DatabaseView<'_>, &Context<'_>),
        severity: Severity,
        of: &str,
        recommendation: &str,
        to: impl Fn(&Column) -> String,
    ) -> Finding {
        let change = self.changes(|column| format!("TYPE {}", to(column)));
        let fix = Fix::new(FixKind::Review, change).locking(REWRITE_LOCK, self.blocks());
        let (named, table, verb) = (self.named(), self.table(), self.verb());
        let message = format!("{named} of table {table} {verb} of type {of}");
        self.finding(db, cx, severity, message, recommendation).fixed_by(fix)
    }

    /// A finding about them.
    pub fn finding(
        &self,
        db: &DatabaseView<'_>,
        cx: &Context<'_>,
        severity: Severity,
        message: String,
        recommendation: &str,
    ) -> Finding {
        cx.finding(severity, subject(db, self.relation), message, recommendation)
            .with(Evidence::new("columns", self.columns.len() as f64, Unit::Count, SOURCE))
            .with(Evidence::new("types", self.detail(), Unit::Text, SOURCE))
            .with(Evidence::new(
                "size of the table",
                self.relation.total_bytes(),
                Unit::Bytes,
                "pg_total_relation_size",
            ))
    }
}

/// Samples for the tests of the checks.
#[cfg(test)]
pub mod sample {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        check::Check,
        testing::{self, edit},
    };

    /// A column of the table below.
    pub fn column(name: &str, type_name: &str, type_id: &str) -> Column {
        Column {
            table_oid: 1,
            schema: "public".into(),
            table: "Orders".into(),
            name: name.into(),
            type_name: type_name.into(),
            type_id: type_id.into(),
            ..Column::default()
        }
    }

    /// The table they belong to.
    pub fn table() -> Relation {
        Relation {
            oid: 1,
            schema: "public".into(),
            name: "Orders".into(),
            kind: "r".into(),
            persistence: "p".into(),
            ..Relation::default()
        }
    }

    /// A database with that table.
    pub fn table_of(columns: Vec<Column>) -> Snapshot {
        table_with(table(), columns)
    }

    /// A database with a table of that kind.
    pub fn table_with(table: Relation, columns: Vec<Column>) -> Snapshot {
        testing::database(|db| {
            *edit(&mut db.relations) = vec![table];
            *edit(&mut db.columns) = columns;
        })
    }

    /// The check says nothing of a partition, an extension's table, or a dropped column; and is skipped
    /// without columns.
    pub fn silent(check: &'static Check, column: Column) {
        let partition = Relation { is_partition: true, ..table() };
        let owned = Relation { extension: Some("postgis".into()), ..table() };
        for table in [partition, owned] {
            let built = table_with(table, vec![column.clone()]);
            assert!(testing::findings(check, &built).is_empty());
        }
        let dropped = Column { is_dropped: true, ..column };
        assert!(testing::findings(check, &table_of(vec![dropped])).is_empty());
        let none = testing::database(|db| db.columns = dbvitals_model::Section::default());
        testing::skipped(check, &none);
    }
}
