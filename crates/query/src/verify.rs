//! Data on which two statements are compared: tables as the catalogue describes them, and rows that are few, repeat,
//! and hold NULL wherever a column may. Everything follows from a seed.

mod data;
mod literal;

use pg_query::NodeEnum;

pub use self::data::{Dice, Pools, Round, candidates, round};
use crate::{
    Statement, call,
    rewrite::{Catalogue, is_steady},
    tree,
};

/// A table to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<TableColumn>,
    /// The columns of each of its unique keys.
    pub keys: Vec<Vec<String>>,
}

/// A column to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type as `format_type` writes it.
    pub type_name: String,
    /// It takes no NULL.
    pub is_not_null: bool,
}

/// A type of labels to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enum {
    /// Its schema.
    pub schema: String,
    /// Schema and name, quoted where they need it, as `format_type` writes them.
    pub type_name: String,
    /// Its labels in order.
    pub labels: Vec<String>,
}

impl Enum {
    /// Whether a type's name is its own, with or without the schema.
    pub fn is_called(&self, type_name: &str) -> bool {
        let bare = self.type_name.rsplit_once('.').map_or("", |(_, bare)| bare);
        self.type_name == type_name || bare == type_name
    }

    fn definition(&self) -> String {
        let quoted = |label: &String| format!("'{}'", label.replace('\'', "''"));
        let labels: Vec<String> = self.labels.iter().map(quoted).collect();
        format!("CREATE TYPE {} AS ENUM ({})", self.type_name, labels.join(", "))
    }
}

impl Table {
    /// Schema and name, quoted.
    pub fn identifier(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }

    fn definition(&self) -> String {
        let column = |column: &TableColumn| {
            let constraint = if column.is_not_null { " NOT NULL" } else { "" };
            format!("{} {}{constraint}", quoted(&column.name), column.type_name)
        };
        let key = |key: &Vec<String>| {
            let names: Vec<String> = key.iter().map(|name| quoted(name)).collect();
            format!("UNIQUE ({})", names.join(", "))
        };
        let parts: Vec<String> =
            self.columns.iter().map(column).chain(self.keys.iter().map(key)).collect();
        format!("CREATE TABLE {} ({})", self.identifier(), parts.join(", "))
    }
}

/// What makes the types and tables anew, one statement after the other, in a database that holds nothing else.
pub fn definitions(tables: &[Table], enums: &[Enum]) -> Vec<String> {
    let mut schemas: Vec<&str> = tables.iter().map(|table| table.schema.as_str()).collect();
    schemas.extend(enums.iter().map(|of| of.schema.as_str()));
    schemas.push("public");
    schemas.sort_unstable();
    schemas.dedup();
    let mut all = Vec::new();
    for schema in &schemas {
        all.push(format!("DROP SCHEMA IF EXISTS {} CASCADE", quoted(schema)));
        all.push(format!("CREATE SCHEMA {}", quoted(schema)));
    }
    let path: Vec<String> = schemas.iter().map(|schema| quoted(schema)).collect();
    all.push(format!("SET search_path = {}", path.join(", ")));
    all.extend(enums.iter().map(Enum::definition));
    all.extend(tables.iter().map(Table::definition));
    all
}

/// A call that may do something outside of the tables, or yield something else each time; nothing is executed that
/// holds one.
pub fn unsteady_call(statement: &Statement, catalogue: &dyn Catalogue) -> Option<String> {
    let mut found = None;
    tree::deep(statement.root(), &mut |node| {
        if let NodeEnum::FuncCall(call) = node
            && !call::is_aggregate(call)
            && !call::is_window(call)
            && !is_steady(call, catalogue)
        {
            found.get_or_insert_with(|| call::full_name(call));
        }
    });
    found
}

/// Whether the rows follow from the data alone. They do not where a limit, a window or an aggregate depends on the order
/// of rows that nothing settles; two results may then differ and both be right.
pub fn is_determined(statement: &Statement) -> bool {
    const ORDERED: &[&str] = &[
        "array_agg",
        "json_agg",
        "json_object_agg",
        "jsonb_object_agg",
        "jsonb_agg",
        "mode",
        "string_agg",
        "xmlagg",
    ];
    let mut determined = true;
    tree::deep(statement.root(), &mut |node| match node {
        NodeEnum::SelectStmt(select) => {
            let picks = select.limit_count.is_some()
                || select.limit_offset.is_some()
                || !select.locking_clause.is_empty()
                || select.distinct_clause.iter().any(|node| node.node.is_some());
            determined &= !picks;
        }
        NodeEnum::FuncCall(call) => {
            determined &= call.over.is_none() && !call::is_named(call, ORDERED);
        }
        _ => {}
    });
    determined
}

/// Whether it changes rows, so that not only what it yields must be compared.
pub fn writes(statement: &Statement) -> bool {
    let mut found = false;
    tree::deep(statement.root(), &mut |node| {
        found |= matches!(
            node,
            NodeEnum::InsertStmt(_)
                | NodeEnum::UpdateStmt(_)
                | NodeEnum::DeleteStmt(_)
                | NodeEnum::MergeStmt(_)
        );
    });
    found
}

/// Whether it is a query or changes rows of tables, and nothing else.
pub fn is_comparable(statement: &Statement) -> bool {
    match statement.root() {
        NodeEnum::SelectStmt(select) => select.into_clause.is_none(),
        NodeEnum::InsertStmt(_)
        | NodeEnum::UpdateStmt(_)
        | NodeEnum::DeleteStmt(_)
        | NodeEnum::MergeStmt(_) => true,
        _ => false,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
