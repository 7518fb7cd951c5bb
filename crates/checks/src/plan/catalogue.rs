//! What the catalogue knows of the table a node reads.

use dbvitals_model::{
    pg::{DatabaseSnapshot, index::Index, relation::Relation},
    plan::Node,
};

/// The table of a node; `None` where it was not collected.
pub(super) fn table<'f>(facts: &'f DatabaseSnapshot, node: &Node) -> Option<&'f Relation> {
    facts.relations.get().ok()?.iter().find(|it| is_of(node, &it.schema, &it.name))
}

/// Whether a node reads that table. Plans without `VERBOSE` tell no schema: then the name decides.
pub(super) fn is_of(node: &Node, schema: &str, table: &str) -> bool {
    node.relation.as_deref() == Some(table) && node.schema.as_ref().is_none_or(|own| own == schema)
}

/// A whole B-tree that begins with these columns, in any order.
pub(super) fn index_over<'a>(
    facts: &'a DatabaseSnapshot,
    node: &Node,
    columns: &[String],
) -> Option<&'a Index> {
    let leads = |index: &Index| {
        let keys = index.key_names.get(..columns.len()).unwrap_or_default();
        !keys.is_empty() && columns.iter().all(|column| keys.contains(column))
    };
    facts.indexes.get().ok()?.iter().find(|index| {
        is_of(node, &index.schema, &index.table)
            && index.method == "btree"
            && index.is_valid
            && index.predicate.is_none()
            && leads(index)
    })
}
