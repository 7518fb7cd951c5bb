//! Indexes: made and made anew.

use pg_query::{
    Node, NodeEnum,
    protobuf::{FuncCall, IndexStmt, ReindexObjectType, ReindexStmt},
};

use super::{
    lock,
    name::{deparsed, has_option, inner, made, quoted, range, text_of},
    walk::Look,
};
use crate::tree::children;

/// Functions of PostgreSQL that are not immutable in any form, by name, sorted.
const NOT_IMMUTABLE: &[&str] = &[
    "clock_timestamp",
    "concat",
    "concat_ws",
    "current_database",
    "current_schema",
    "current_setting",
    "currval",
    "gen_random_uuid",
    "nextval",
    "now",
    "pg_backend_pid",
    "random",
    "statement_timestamp",
    "timeofday",
    "to_char",
    "to_date",
    "transaction_timestamp",
    "txid_current",
    "version",
];

pub(super) fn creation(look: &mut Look<'_>, stmt: &IndexStmt) {
    not_immutable(look, stmt);
    let Some(table) = stmt.relation.as_ref().map(lock::table) else { return };
    let is_only = stmt.relation.as_ref().is_some_and(|range| !range.inh);
    let is_new = look.is_new(&table);
    if stmt.concurrent && look.is_partitioned(&table) {
        on_partitioned(look, stmt);
        return;
    }
    if stmt.concurrent && look.before.transaction.is_some() {
        look.say(
            "ban-concurrent-index-creation-in-transaction",
            -1,
            "The server refuses CREATE INDEX CONCURRENTLY in a transaction.",
            "Run it on its own, after COMMIT; tell the migration tool to run this script without a transaction.",
            None,
        );
    }
    if !stmt.concurrent && !is_new && !is_only {
        if look.is_partitioned(&table) {
            on_partitioned(look, stmt);
            return;
        }
        let mut better = stmt.clone();
        better.concurrent = true;
        look.say(
            "require-concurrent-index-creation",
            -1,
            format!("Every write to {} waits until the index is built.", range(stmt.relation.as_ref())),
            "Build it CONCURRENTLY, outside of a transaction; if that fails, drop the invalid index it leaves and try again.",
            deparsed(&NodeEnum::IndexStmt(Box::new(better))),
        );
    }
    let robust = stmt.concurrent || stmt.if_not_exists || is_new || !look.before.is_many;
    if !robust && look.before.transaction.is_none() {
        look.say(
            "prefer-robust-stmts",
            -1,
            "If a later statement fails, running the script again stops here: the index exists.",
            "Name the index and write IF NOT EXISTS.",
            None,
        );
    }
}

fn on_partitioned(look: &mut Look<'_>, stmt: &IndexStmt) {
    let columns: Vec<String> = stmt.index_params.iter().filter_map(column_of).collect();
    let table = stmt.relation.as_ref().map(|range| range.relname.clone()).unwrap_or_default();
    let mut better = stmt.clone();
    better.concurrent = false;
    if better.idxname.is_empty() {
        better.idxname = made(&table, &columns, "idx");
    }
    if let Some(range) = better.relation.as_mut() {
        range.inh = false;
    }
    let name = quoted(&better.idxname);
    let says = if stmt.concurrent {
        "The server refuses CREATE INDEX CONCURRENTLY on a partitioned table."
    } else {
        "Every write to the table waits until the indexes of all its partitions are built."
    };
    let rule = if stmt.concurrent {
        "index-on-partitioned-table"
    } else {
        "require-concurrent-index-creation"
    };
    look.say(
        rule,
        -1,
        says,
        format!(
            "Make the index on the parent alone (it is invalid at first), then build one on each partition \
             CONCURRENTLY, and attach each: ALTER INDEX {name} ATTACH PARTITION …; the parent's becomes valid with \
             the last."
        ),
        deparsed(&NodeEnum::IndexStmt(Box::new(better))),
    );
}

/// The column of one part of an index.
pub(super) fn column_of(node: &Node) -> Option<String> {
    match inner(Some(node))? {
        NodeEnum::IndexElem(elem) if !elem.name.is_empty() => Some(elem.name.clone()),
        _ => None,
    }
}

fn not_immutable(look: &mut Look<'_>, stmt: &IndexStmt) {
    let mut found = None;
    let expressions = stmt.index_params.iter().filter_map(|node| match inner(Some(node))? {
        NodeEnum::IndexElem(elem) => inner(elem.expr.as_deref()),
        _ => None,
    });
    for part in expressions.chain(inner(stmt.where_clause.as_deref())) {
        search(part, &mut found);
    }
    if let Some((name, at)) = found {
        look.say(
            "volatile-index-predicate",
            at,
            format!("The server refuses {name} in an index: what it yields changes, and the index would not follow."),
            "Compare with a constant (and make a new index when it is outdated), or leave the condition out and index \
             the column.",
            None,
        );
    }
}

fn search(node: &NodeEnum, found: &mut Option<(String, i32)>) {
    match node {
        NodeEnum::SqlvalueFunction(value) => {
            let name = deparsed_value(node).unwrap_or_else(|| "a function of the session".into());
            found.get_or_insert((name, value.location));
        }
        NodeEnum::FuncCall(call) => {
            if let Some(name) = changing(call) {
                found.get_or_insert((format!("{name}()"), call.location));
            }
        }
        _ => {}
    }
    children(node, &mut |child| search(child, found));
}

/// `CURRENT_DATE` and the like, as words.
fn deparsed_value(node: &NodeEnum) -> Option<String> {
    let NodeEnum::SqlvalueFunction(value) = node else { return None };
    let op = pg_query::protobuf::SqlValueFunctionOp::try_from(value.op).ok()?;
    Some(op.as_str_name().trim_start_matches("SVFOP_").trim_end_matches("_N").to_owned())
}

/// The name of a function that is not immutable.
pub(super) fn changing(call: &FuncCall) -> Option<String> {
    let mut parts: Vec<String> = call.funcname.iter().filter_map(text_of).collect();
    let name = parts.pop()?;
    let own = parts.pop().is_none_or(|schema| schema == "pg_catalog");
    (own && NOT_IMMUTABLE.binary_search(&name.as_str()).is_ok()).then_some(name)
}

pub(super) fn reindex(look: &mut Look<'_>, stmt: &ReindexStmt) {
    let is_concurrent = has_option(&stmt.params, "concurrently");
    let kind = ReindexObjectType::try_from(stmt.kind).unwrap_or(ReindexObjectType::Undefined);
    if is_concurrent && look.before.transaction.is_some() {
        look.say(
            "not-in-transaction",
            -1,
            "The server refuses REINDEX CONCURRENTLY in a transaction.",
            "Run it on its own, after COMMIT.",
            None,
        );
    }
    let is_system = kind == ReindexObjectType::ReindexObjectSystem;
    let is_new = stmt.relation.as_ref().is_some_and(|range| look.is_new(&lock::table(range)));
    if is_concurrent || is_system || is_new {
        return;
    }
    let word = match kind {
        ReindexObjectType::ReindexObjectIndex => "INDEX",
        ReindexObjectType::ReindexObjectTable => "TABLE",
        ReindexObjectType::ReindexObjectSchema => "SCHEMA",
        _ => "DATABASE",
    };
    let name = match &stmt.relation {
        Some(relation) => range(Some(relation)),
        None => quoted(&stmt.name),
    };
    look.say(
        "require-concurrent-reindex",
        -1,
        "Writes to the table wait until its indexes are built anew, and so does whoever reads by them.",
        "Do it CONCURRENTLY, outside of a transaction.",
        Some(format!("REINDEX {word} CONCURRENTLY {name}")),
    );
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_sorted() {
        assert!(super::NOT_IMMUTABLE.is_sorted());
    }
}
