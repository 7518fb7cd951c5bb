//! Data on which two statements are compared: tables as the catalogue describes them, and rows that are few, repeat,
//! and hold NULL wherever a column may. Everything follows from a seed.

mod data;
mod literal;
mod table;
mod types;
mod uses;

use pg_query::{NodeEnum, protobuf::FuncCall};

pub use self::{
    data::{Dice, Pools, Round, candidates, round},
    literal::constants,
    table::{ForeignKey, Table, TableColumn},
    types::{Kind, in_order, kind, shapes},
    uses::{Uses, columns_named, queries},
};
use crate::{
    Statement, call,
    rewrite::{Catalogue, Volatility, is_steady},
    tree,
};

/// A statement that makes a part of what a statement needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What it makes, in words: `the type app.mood`.
    pub what: String,
    /// The statement.
    pub sql: String,
    /// Nothing can be compared without.
    pub is_needed: bool,
}

impl Definition {
    /// Of what a comparison rests on.
    pub fn needed(what: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { what: what.into(), sql: sql.into(), is_needed: true }
    }

    /// Of what may be of use.
    pub fn useful(what: impl Into<String>, sql: impl Into<String>) -> Self {
        Self { what: what.into(), sql: sql.into(), is_needed: false }
    }
}

/// Empties a database that holds nothing but what was made here.
pub const CLEAR: &str = "DO $dbvitals$ DECLARE name text; BEGIN \
    FOR name IN SELECT extname FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' LOOP \
        EXECUTE pg_catalog.format('DROP EXTENSION %I CASCADE', name); END LOOP; \
    FOR name IN SELECT nspname FROM pg_catalog.pg_namespace \
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP \
        EXECUTE pg_catalog.format('DROP SCHEMA %I CASCADE', name); END LOOP; \
    END $dbvitals$";

/// What makes schemas, and has them searched in the order of a path. Bodies of functions are looked at when they are
/// called, since what they name may be made later.
pub fn schemas(path: &[String], others: &[&str]) -> Vec<Definition> {
    let mut names: Vec<&str> =
        path.iter().map(String::as_str).chain(others.iter().copied()).collect();
    names.retain(|name| !is_system(name));
    names.sort_unstable();
    names.dedup();
    let make = |name: &&str| {
        Definition::needed(format!("the schema {name}"), format!("CREATE SCHEMA {}", quoted(name)))
    };
    let mut all: Vec<Definition> = names.iter().map(make).collect();
    let path: Vec<String> = path.iter().map(|name| quoted(name)).collect();
    let path = if path.is_empty() { "pg_catalog".to_owned() } else { path.join(", ") };
    all.push(Definition::needed(
        "the search_path",
        format!("SET search_path = {path}; SET check_function_bodies = off"),
    ));
    all
}

/// Whether a schema is the server's own.
pub fn is_system(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

/// What makes tables anew in a database that holds nothing else; their schemas are searched in alphabetical order.
pub fn definitions(tables: &[Table]) -> Vec<Definition> {
    let mut path: Vec<String> = tables.iter().map(|table| table.schema.clone()).collect();
    path.sort();
    path.dedup();
    let mut all = vec![Definition::needed("an empty database", CLEAR)];
    all.extend(schemas(&path, &[]));
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
            && !promises(call, catalogue)
        {
            found.get_or_insert_with(|| call::full_name(call));
        }
    });
    found
}

/// Whether all functions of its name, in whatever schema, are steady.
fn promises(call: &FuncCall, catalogue: &dyn Catalogue) -> bool {
    let full = call::full_name(call);
    let Some((_, name)) = full.rsplit_once('.') else { return false };
    matches!(catalogue.volatility(name), Some(Volatility::Immutable | Volatility::Stable))
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

/// Whether it adds rows, whose columns may come from defaults.
pub fn inserts(statement: &Statement) -> bool {
    let mut found = false;
    tree::deep(statement.root(), &mut |node| {
        found |= matches!(
            node,
            NodeEnum::InsertStmt(_) | NodeEnum::MergeStmt(_) | NodeEnum::SetToDefault(_)
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

/// A name as SQL takes it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL takes it.
pub fn text(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

#[cfg(test)]
mod tests;
