//! `x NOT IN (SELECT y …)` → `NOT EXISTS (SELECT 1 … AND y = x)`.

use pg_query::{
    NodeEnum,
    protobuf::{BoolExprType, SelectStmt, SubLink, SubLinkType},
};

use super::{
    Told, counted,
    glance::Glance,
    shape::{and, boxed, column, condition, inner, is_plain},
    walk::Place,
};

/// `NOT IN` with a subquery.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.other().is_some_and(|node| negated(node).is_some())
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let sub = negated(node)?;
    let NodeEnum::SelectStmt(select) = inner(sub.subselect.as_deref())? else { return None };
    let outer = place.column(inner(sub.testexpr.as_deref())?)?;
    if outer.depth != 0 || !is_plain(select) || select.from_clause.is_empty() {
        return None;
    }
    let mut inside = place.clone();
    let level = place.level_of(select);
    // The outer table must still be found under its name from within.
    if level.items.iter().any(|item| item.alias == outer.alias || item.alias.is_empty()) {
        return None;
    }
    inside.levels.push(level);
    let shown = inside.column(only_target(select)?)?;
    if shown.depth != 0 || shown.column.type_name != outer.column.type_name {
        return None;
    }
    let equal = condition(
        "_0 = _1",
        &[column(&shown.alias, &shown.column.name)?, column(&outer.alias, &outer.column.name)?],
    )?;
    let mut changed = (**select).clone();
    and(&mut changed.where_clause, equal);
    changed.distinct_clause.clear();
    changed.sort_clause.clear();
    let one = condition("1", &[])?;
    if let Some(NodeEnum::ResTarget(target)) = changed.target_list.first_mut()?.node.as_mut() {
        target.val = Some(boxed(one));
        target.name.clear();
    }
    let mut made = condition("NOT EXISTS (SELECT 1)", &[])?;
    counted::put(&mut made, changed);
    *node = made;
    let (left, right) = (outer.column, shown.column);
    Some(if left.is_not_null && right.is_not_null {
        Told::equivalent(format!(
            "{} and {} are NOT NULL, so NOT IN never yields NULL",
            left.name, right.name
        ))
    } else {
        let nullable = if right.is_not_null { left.name } else { right.name };
        Told::suggestion(format!(
            "{nullable} may be NULL: NOT IN then yields no row where NOT EXISTS yields those without a match, \
             which is mostly what was meant"
        ))
    })
}

/// The subquery of `NOT (… IN (…))`, which is how the parser has `NOT IN`.
pub(crate) fn negated(node: &NodeEnum) -> Option<&SubLink> {
    let NodeEnum::BoolExpr(not) = node else { return None };
    if not.boolop != BoolExprType::NotExpr as i32 {
        return None;
    }
    match inner(not.args.first())? {
        NodeEnum::SubLink(sub)
            if sub.sub_link_type == SubLinkType::AnySublink as i32 && sub.oper_name.is_empty() =>
        {
            Some(sub)
        }
        _ => None,
    }
}

/// The one expression a query shows.
pub(super) fn only_target(select: &SelectStmt) -> Option<&NodeEnum> {
    let [target] = select.target_list.as_slice() else { return None };
    match inner(Some(target))? {
        NodeEnum::ResTarget(target) => inner(target.val.as_deref()),
        _ => None,
    }
}
