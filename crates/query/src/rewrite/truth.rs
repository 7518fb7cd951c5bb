//! Conditions that are always true.

use pg_query::{NodeEnum, protobuf::BoolExprType};

use super::{
    Told,
    glance::Glance,
    shape::{Constant, comparison, constant},
    walk::Place,
};

/// A condition that is always true.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.other().is_some_and(is_true)
}

pub(super) fn apply(node: &mut NodeEnum, _: &Place<'_>) -> Option<Told> {
    // UPDATE and DELETE keep theirs: it says that all rows are meant.
    if let NodeEnum::SelectStmt(select) = node {
        let condition = select.where_clause.as_ref()?.node.as_ref()?;
        if !is_true(condition) {
            return None;
        }
        select.where_clause = None;
        return Some(always());
    }
    let NodeEnum::BoolExpr(all) = node else { return None };
    if all.boolop != BoolExprType::AndExpr as i32 {
        return None;
    }
    let before = all.args.len();
    let mut kept = all.args.clone();
    kept.retain(|arg| !arg.node.as_ref().is_some_and(is_true));
    if kept.len() == before {
        return None;
    }
    match kept.len() {
        0 => return None,
        1 => *node = kept.pop()?.node?,
        _ => all.args = kept,
    }
    Some(always())
}

fn always() -> Told {
    Told::equivalent("true AND x is x, also where x is NULL")
}

/// `true`, `1 = 1`.
fn is_true(node: &NodeEnum) -> bool {
    let equal = || {
        let (left, op, right) = comparison(node, |side| constant(side).is_some())?;
        Some(op == "=" && constant(left)? == constant(right)?)
    };
    constant(node) == Some(Constant::Truth(true)) || equal() == Some(true)
}
