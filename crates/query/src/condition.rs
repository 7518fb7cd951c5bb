//! Conditions: which of them pick rows by value.

use pg_query::{
    Node, NodeEnum,
    protobuf::{AExpr, AExprKind, BoolExprType, SubLinkType},
};

use crate::tree::{children, of_select};

/// The parts of a condition that must all hold.
pub(crate) fn conjuncts(condition: Option<&Node>) -> Vec<&NodeEnum> {
    let mut parts = Vec::new();
    if let Some(node) = condition.and_then(|node| node.node.as_ref()) {
        split(node, &mut parts);
    }
    parts
}

fn split<'n>(node: &'n NodeEnum, parts: &mut Vec<&'n NodeEnum>) {
    match node {
        NodeEnum::BoolExpr(all) if all.boolop == BoolExprType::AndExpr as i32 => {
            all.args.iter().filter_map(|arg| arg.node.as_ref()).for_each(|arg| split(arg, parts));
        }
        other => parts.push(other),
    }
}

/// Whether a condition picks rows by value.
pub(crate) fn picks(condition: Option<&Node>) -> bool {
    conjuncts(condition).into_iter().any(part_picks)
}

fn part_picks(part: &NodeEnum) -> bool {
    match part {
        NodeEnum::CurrentOfExpr(_) => true,
        NodeEnum::AExpr(e) => equality(e).is_some(),
        NodeEnum::BoolExpr(any) if any.boolop == BoolExprType::OrExpr as i32 => {
            any.args.iter().all(|arg| picks(Some(arg)))
        }
        NodeEnum::SubLink(sub) if sub.sub_link_type == SubLinkType::AnySublink as i32 => {
            match sub.subselect.as_ref().and_then(|query| query.node.as_ref()) {
                Some(NodeEnum::SelectStmt(select)) => {
                    select.limit_count.is_some() || picks(select.where_clause.as_deref())
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// One column compared to something that is no column.
pub(crate) struct Equality<'n> {
    /// The column side.
    pub(crate) column: &'n NodeEnum,
    /// To a single value, not to one of several.
    pub(crate) is_single: bool,
}

/// The column that is compared by equality to a value, if that is what the expression does.
pub(crate) fn equality(e: &AExpr) -> Option<Equality<'_>> {
    let is = |kind: AExprKind| e.kind == kind as i32;
    let single = is(AExprKind::AexprOp) || is(AExprKind::AexprNotDistinct);
    let several = is(AExprKind::AexprOpAny) || is(AExprKind::AexprIn);
    let equals = matches!(e.name.last()?.node.as_ref()?, NodeEnum::String(op) if op.sval == "=");
    // `IS NOT DISTINCT FROM` and `IN` go by the name `=` too; `NOT IN` by `<>`.
    if !equals || !(single || several) {
        return None;
    }
    let left = e.lexpr.as_ref()?.node.as_ref()?;
    let right = e.rexpr.as_ref()?.node.as_ref()?;
    match (names_column(left), names_column(right)) {
        (true, false) => Some(Equality { column: left, is_single: single }),
        (false, true) if single => Some(Equality { column: right, is_single: true }),
        _ => None,
    }
}

/// Whether an expression names a column, outside of subqueries that stand on their own.
pub(crate) fn names_column(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::ColumnRef(_) => true,
        // A scalar subquery is a value; whether it refers to the outer row cannot be told from the text alone.
        NodeEnum::SubLink(_) => false,
        _ => {
            let mut found = false;
            children(node, &mut |child| found |= names_column(child));
            found
        }
    }
}

/// Whether a subquery stands anywhere in an expression.
pub(crate) fn holds_subquery(node: &NodeEnum) -> bool {
    let mut found = matches!(node, NodeEnum::SubLink(_));
    let mut look = |child: &NodeEnum| found |= holds_subquery(child);
    match node {
        NodeEnum::SelectStmt(select) => of_select(select, &mut look),
        _ => children(node, &mut look),
    }
    found
}
