//! Texts and fixes that follow from a statement.

use dbvitals_model::{Fix, FixKind};
use pg_query::{Node, NodeEnum, protobuf::SelectStmt};

use super::{fact::Table, look::Look};
use crate::{
    building::{NewIndex, Tree},
    rewrite::{below::deep, shape::inner, whole::text},
    role::condition::text_of,
};

/// The statement with nodes changed by `edit`; `None` where nothing came of it.
pub(super) fn edited(root: &NodeEnum, edit: &mut dyn FnMut(&mut NodeEnum)) -> Option<String> {
    let mut changed = root.clone();
    deep(&mut changed, edit);
    if changed == *root { None } else { text(&changed) }
}

/// The statement, which is one `SELECT`, with that changed.
pub(super) fn selected(
    select: &SelectStmt,
    edit: impl FnOnce(&mut SelectStmt) -> Option<()>,
) -> Option<String> {
    let mut changed = select.clone();
    edit(&mut changed)?;
    text(&NodeEnum::SelectStmt(Box::new(changed)))
}

/// The `SELECT` a text is: trees are only ever made by parsing.
pub(super) fn parsed(text: &str) -> Option<SelectStmt> {
    let parsed = pg_query::parse(text, 0).ok()?.protobuf;
    match parsed.stmts.into_iter().next()?.stmt?.node? {
        NodeEnum::SelectStmt(select) => Some(*select),
        _ => None,
    }
}

/// An index that is to be made.
pub(super) struct Wanted<'t> {
    /// The place of the table among the relations.
    pub(super) relation: usize,
    /// `gin`; empty for a B-tree.
    pub(super) method: &'t str,
    /// What stands between the parentheses.
    pub(super) element: String,
    /// What its name tells of it, beside the table's.
    pub(super) named: Vec<String>,
    /// What must be there before.
    pub(super) before: Vec<String>,
}

/// Statements that make an index while the table is in use.
pub(super) fn index(look: &Look<'_>, wanted: Wanted<'_>) -> Option<Fix> {
    let Wanted { relation, method, element, named, before } = wanted;
    let mut fix = indexes(look, relation, method, &[(element, named)])?;
    if !before.is_empty() {
        // An extension is a decision of its own.
        fix.kind = FixKind::Review;
        fix.statements.splice(0..0, before);
    }
    Some(fix)
}

/// Statements that make several indexes of one table, by what stands between the parentheses and what the name tells.
pub(super) fn indexes(
    look: &Look<'_>,
    relation: usize,
    method: &str,
    wanted: &[(String, Vec<String>)],
) -> Option<Fix> {
    let tree = if let Some(table) = look.table(relation) {
        look.facts.tree(table)
    } else {
        let named = &look.relations.get(relation)?.table;
        Tree::alone(named.schema.as_deref(), &named.name)
    };
    let mut taken = look.facts.names();
    let mut fixes = wanted.iter().map(|(keys, named)| {
        NewIndex { tree: &tree, method, keys, named }.fix(FixKind::Safe, &mut taken)
    });
    let mut fix = fixes.next()?;
    for other in fixes {
        fix.statements.extend(other.statements);
        fix.undo.extend(other.undo);
    }
    Some(fix)
}

/// An expression as an index of its table holds it: columns without their table, texts without casts to text. Two
/// that are the same are the same to an index.
pub(super) fn plain(node: &NodeEnum) -> Option<String> {
    let mut bare = node.clone();
    deep(&mut bare, &mut |node| {
        unqualify(node);
        if let NodeEnum::TypeCast(cast) = node
            && is_text(cast.type_name.as_ref().map_or(&[], |name| name.names.as_slice()))
            && let Some(inside) = inner(cast.arg.as_deref())
        {
            *node = inside.clone();
        }
    });
    text_of(&bare)
}

/// An expression to be written into an index of its table.
pub(super) fn for_index(node: &NodeEnum) -> Option<String> {
    let mut bare = node.clone();
    deep(&mut bare, &mut unqualify);
    text_of(&bare)
}

fn unqualify(node: &mut NodeEnum) {
    if let NodeEnum::ColumnRef(column) = node {
        let last = column.fields.len().saturating_sub(1);
        column.fields.drain(..last);
    }
}

/// The last part of a type's name.
pub(super) fn type_name(names: &[Node]) -> Option<&str> {
    super::look::name_in(names.last()?)
}

fn is_text(names: &[Node]) -> bool {
    matches!(type_name(names), Some("text" | "varchar" | "bpchar"))
}

/// One part of the key of an index that is there.
pub(super) struct Key {
    /// The column, where it is one.
    pub(super) column: Option<String>,
    /// The expression, where it is one, as [`plain`] has it.
    pub(super) expression: Option<String>,
    /// The operator class, where one is named.
    pub(super) class: Option<String>,
}

/// The keys of the indexes of a table with this access method, of each index by itself.
pub(super) fn keys(table: &Table<'_>, methods: &[&str]) -> Vec<Vec<Key>> {
    let indexes = table.indexes.iter().filter(|index| methods.contains(&index.method.as_str()));
    indexes.filter_map(|index| keys_of(&index.definition)).collect()
}

fn keys_of(definition: &str) -> Option<Vec<Key>> {
    let parsed = pg_query::parse(definition, 0).ok()?.protobuf;
    let NodeEnum::IndexStmt(index) = parsed.stmts.into_iter().next()?.stmt?.node? else {
        return None;
    };
    let key = |node: &Node| match inner(Some(node))? {
        NodeEnum::IndexElem(element) => Some(Key {
            column: Some(element.name.clone()).filter(|name| !name.is_empty()),
            expression: inner(element.expr.as_deref()).and_then(plain),
            class: type_name(&element.opclass).map(str::to_owned),
        }),
        _ => None,
    };
    Some(index.index_params.iter().filter_map(key).collect())
}

/// Whether an index of a table begins with an expression.
pub(super) fn is_indexed(table: &Table<'_>, expression: &str) -> bool {
    let keys = keys(table, &["btree", "hash"]);
    keys.iter()
        .any(|index| index.first().is_some_and(|key| key.expression.as_deref() == Some(expression)))
}
