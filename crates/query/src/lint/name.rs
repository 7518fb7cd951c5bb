//! Names as they are written in SQL, and the small pieces of a tree.

use pg_query::{
    Node, NodeEnum,
    protobuf::{KeywordKind, RangeVar},
};

use crate::{script::tokens, statement::TableName};

pub(super) fn inner(node: Option<&Node>) -> Option<&NodeEnum> {
    node.and_then(|node| node.node.as_ref())
}

/// The text of a node that is a name.
pub(crate) fn text_of(node: &Node) -> Option<String> {
    match inner(Some(node))? {
        NodeEnum::String(text) => Some(text.sval.clone()),
        _ => None,
    }
}

/// The option of a statement is there, and not switched off.
pub(super) fn has_option(options: &[Node], name: &str) -> bool {
    options.iter().any(|node| match inner(Some(node)) {
        Some(NodeEnum::DefElem(option)) if option.defname == name => {
            match inner(option.arg.as_deref()) {
                Some(NodeEnum::String(text)) => {
                    !["false", "off", "0"].contains(&text.sval.as_str())
                }
                Some(NodeEnum::Boolean(on)) => on.boolval,
                Some(NodeEnum::Integer(n)) => n.ival != 0,
                _ => true,
            }
        }
        _ => false,
    })
}

/// A name, quoted where it must be.
pub(crate) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let is_free = |kind: i32| {
        [KeywordKind::NoKeyword as i32, KeywordKind::UnreservedKeyword as i32].contains(&kind)
    };
    let free = || {
        tokens(name)
            .is_some_and(|found| found.len() == 1 && found.iter().all(|t| is_free(t.keyword_kind)))
    };
    if plain && free() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

pub(crate) fn written(table: &TableName) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(&table.name)),
        None => quoted(&table.name),
    }
}

pub(super) fn range(range: Option<&RangeVar>) -> String {
    range.map(|range| written(&super::lock::table(range))).unwrap_or_default()
}

/// A list of names as it stands between parentheses.
pub(super) fn list(nodes: &[Node]) -> String {
    let names: Vec<String> = nodes.iter().filter_map(text_of).map(|name| quoted(&name)).collect();
    names.join(", ")
}

/// A name made of a table's, its columns' and an ending, as the server makes them; at most 63 bytes.
pub(crate) fn made(table: &str, columns: &[String], ending: &str) -> String {
    let mut name = format!("{table}_{}", columns.join("_"));
    let mut most = 62 - ending.len();
    while !name.is_char_boundary(most.min(name.len())) {
        most -= 1;
    }
    name.truncate(most);
    format!("{name}_{ending}")
}

/// The statement as text. Only trees that were parsed come here.
pub(super) fn deparsed(node: &NodeEnum) -> Option<String> {
    node.deparse(pg_query::DeparseOptions::default()).ok()
}
