//! What stands in a statement, told at a glance: a rule whose object is nowhere need not go through the tree.

use pg_query::{
    NodeEnum,
    protobuf::{SelectStmt, WithClause},
};

use crate::tree;

/// One place of a statement.
#[derive(Clone, Copy)]
pub(super) enum Glance<'n> {
    /// One arm of a query.
    Query(&'n SelectStmt),
    /// Anything else.
    Other(&'n NodeEnum),
}

impl<'n> Glance<'n> {
    /// The query, if it is one.
    pub(super) fn query(self) -> Option<&'n SelectStmt> {
        match self {
            Self::Query(select) => Some(select),
            Self::Other(_) => None,
        }
    }

    /// What is no query.
    pub(super) fn other(self) -> Option<&'n NodeEnum> {
        match self {
            Self::Query(_) => None,
            Self::Other(node) => Some(node),
        }
    }

    /// The common table expressions that stand before it.
    pub(super) fn with_clause(self) -> Option<&'n WithClause> {
        match self {
            Self::Query(select) => select.with_clause.as_ref(),
            Self::Other(node) => tree::with_clause(node),
        }
    }
}

/// Whether a rule may have something to do at a place. It may say so too often; never too rarely.
pub(super) type Concerns = fn(Glance<'_>) -> bool;

/// Calls `visit` for every place of a statement that is more than a name.
pub(super) fn each<'n>(root: &'n NodeEnum, visit: &mut dyn FnMut(Glance<'n>)) {
    tree::deep(root, &mut |node| match node {
        NodeEnum::SelectStmt(select) => arms(select, visit),
        // Every second node is a name or stands around one, and no rule is about names.
        NodeEnum::ColumnRef(_)
        | NodeEnum::ParamRef(_)
        | NodeEnum::RangeVar(_)
        | NodeEnum::ResTarget(_)
        | NodeEnum::SortBy(_) => {}
        other => visit(Glance::Other(other)),
    });
}

/// A query and its arms, which are no nodes of their own.
fn arms<'n>(select: &'n SelectStmt, visit: &mut dyn FnMut(Glance<'n>)) {
    visit(Glance::Query(select));
    for arm in [&select.larg, &select.rarg].into_iter().flatten() {
        arms(arm, visit);
    }
}
