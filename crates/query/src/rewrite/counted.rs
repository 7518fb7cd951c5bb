//! `(SELECT count(*) …) > 0` → `EXISTS (…)`.

use pg_query::{
    NodeEnum,
    protobuf::{SelectStmt, SubLinkType},
};

use super::{
    Told,
    glance::Glance,
    shape::{
        Constant, boxed, comparison, condition, constant, function_name, inner, may_be_volatile,
    },
    walk::Place,
};

/// A count that is a value.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.other().is_some_and(|node| count(node).is_some())
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let (counted, op, limit) = comparison(node, |side| count(side).is_some())?;
    let Constant::Integer(limit) = constant(limit)? else { return None };
    let some = match (op, limit) {
        (">" | "<>", 0) | (">=", 1) => true,
        ("=" | "<=", 0) | ("<", 1) => false,
        _ => return None,
    };
    let mut select = count(counted)?.clone();
    if may_be_volatile(&NodeEnum::SelectStmt(Box::new(select.clone())), place.catalogue) {
        return None;
    }
    let one = condition("1", &[])?;
    if let Some(NodeEnum::ResTarget(target)) = select.target_list.first_mut()?.node.as_mut() {
        target.val = Some(boxed(one));
    }
    select.sort_clause.clear();
    let template = if some { "EXISTS (SELECT 1)" } else { "NOT EXISTS (SELECT 1)" };
    let mut made = condition(template, &[])?;
    put(&mut made, select);
    *node = made;
    Some(Told::equivalent(
        "count(*) is never NULL and greater than 0 exactly when there is a row; nothing else is done with the number",
    ))
}

/// Puts a query into the one subquery of a template.
pub(super) fn put(made: &mut NodeEnum, select: SelectStmt) {
    match made {
        NodeEnum::SubLink(sub) => {
            sub.subselect = Some(boxed(NodeEnum::SelectStmt(Box::new(select))));
        }
        NodeEnum::BoolExpr(not) => {
            if let Some(NodeEnum::SubLink(sub)) =
                not.args.first_mut().and_then(|arg| arg.node.as_mut())
            {
                sub.subselect = Some(boxed(NodeEnum::SelectStmt(Box::new(select))));
            }
        }
        _ => {}
    }
}

/// The query of a subquery that shows a count of its rows and nothing else.
fn count(node: &NodeEnum) -> Option<&SelectStmt> {
    let NodeEnum::SubLink(sub) = node else { return None };
    let NodeEnum::SelectStmt(select) = inner(sub.subselect.as_deref())? else { return None };
    let [target] = select.target_list.as_slice() else { return None };
    let NodeEnum::ResTarget(target) = inner(Some(target))? else { return None };
    let NodeEnum::FuncCall(call) = inner(target.val.as_deref())? else { return None };
    let counts = call.agg_star && call.over.is_none() && call.agg_filter.is_none();
    let plain = sub.sub_link_type == SubLinkType::ExprSublink as i32
        && select.group_clause.is_empty()
        && select.having_clause.is_none()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.distinct_clause.is_empty()
        && select.window_clause.is_empty()
        && select.with_clause.is_none()
        && select.locking_clause.is_empty()
        && select.larg.is_none()
        && !select.from_clause.is_empty();
    (plain && counts && function_name(call) == Some("count")).then_some(&**select)
}
