//! `HAVING` without an aggregate → `WHERE`.

use pg_query::{Node, NodeEnum, protobuf::BoolExprType};

use super::{
    Told,
    glance::Glance,
    shape::{and, boxed, draws_together, may_be_volatile},
    walk::Place,
};
use crate::condition::{holds_subquery, names_column};

/// `HAVING` of groups.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.query().is_some_and(|query| query.having_clause.is_some() && !query.group_clause.is_empty())
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::SelectStmt(select) = node else { return None };
    let sets = |node: &Node| matches!(node.node, Some(NodeEnum::GroupingSet(_)));
    if select.group_clause.is_empty() || select.group_clause.iter().any(sets) {
        return None;
    }
    let having = select.having_clause.as_ref()?.node.clone()?;
    let parts = match having {
        NodeEnum::BoolExpr(all) if all.boolop == BoolExprType::AndExpr as i32 => {
            all.args.into_iter().filter_map(|arg| arg.node).collect()
        }
        other => vec![other],
    };
    // A condition without a column would be asked for an empty table, too, where it may fail.
    let moves = |part: &NodeEnum| {
        names_column(part)
            && !draws_together(part)
            && !holds_subquery(part)
            && !may_be_volatile(part, place.catalogue)
            && !may_fail(part)
    };
    let (early, late): (Vec<NodeEnum>, Vec<NodeEnum>) = parts.into_iter().partition(moves);
    if early.is_empty() {
        return None;
    }
    select.having_clause = None;
    for part in late {
        and(&mut select.having_clause, part);
    }
    for part in early {
        and(&mut select.where_clause, part);
    }
    // What was joined to nothing is there as it is.
    if let Some(condition) = select.where_clause.take().and_then(|node| node.node) {
        select.where_clause = Some(boxed(condition));
    }
    Some(Told::equivalent(
        "the condition has one value for all rows of a group, so it keeps or drops whole groups either way",
    ))
}

/// Whether an expression does more than compare: what it computes may fail for groups another condition drops.
fn may_fail(node: &NodeEnum) -> bool {
    let own = match node {
        NodeEnum::FuncCall(_) | NodeEnum::TypeCast(_) => true,
        NodeEnum::AExpr(_) => super::shape::operator(node)
            .is_some_and(|op| ["/", "%", "+", "-", "*", "^"].contains(&op)),
        _ => false,
    };
    let mut found = own;
    crate::tree::children(node, &mut |child| found |= may_fail(child));
    found
}
