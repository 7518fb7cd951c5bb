//! Indexes that a node's table has already.

use dbvitals_model::{
    pg::{DatabaseSnapshot, index::Index},
    plan::Node,
};

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
        node.relation.as_deref() == Some(index.table.as_str())
            && node.schema.as_ref().is_none_or(|schema| *schema == index.schema)
            && index.method == "btree"
            && index.is_valid
            && index.predicate.is_none()
            && leads(index)
    })
}
