//! `UNION` of rows that differ already.

use pg_query::{
    NodeEnum,
    protobuf::{SelectStmt, SetOperation},
};

use super::{
    Told,
    distinct::keys_shown,
    glance::Glance,
    shape::{Constant, calls_sets, constant, draws_together, inner},
    walk::Place,
};

/// `UNION` without `ALL`.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.query().is_some_and(removes_repeats)
}

fn removes_repeats(select: &SelectStmt) -> bool {
    select.op == SetOperation::SetopUnion as i32 && !select.all
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::SelectStmt(select) = node else { return None };
    if !removes_repeats(select) {
        return None;
    }
    let (left, right) = (select.larg.as_deref()?, select.rarg.as_deref()?);
    let (tags, others) = (tags(left)?, tags(right)?);
    let differs = |(a, b): (&Option<Constant>, &Option<Constant>)| match (a, b) {
        (Some(a), Some(b)) => tells_apart(a, b),
        _ => false,
    };
    let place_of_tag = tags.iter().zip(&others).position(differs)?;
    let (left, right) = (unlike(left, place)?, unlike(right, place)?);
    select.all = true;
    Some(Told::equivalent(format!(
        "column {} is another constant in each arm, and no arm repeats a row: {left}; {right}",
        place_of_tag + 1
    )))
}

/// Two constants that stay different whatever type they share. Strings that look different may be equal once they
/// have a type (`'1'` and `'01'`), or in a collation; only letters in one case cannot.
fn tells_apart(a: &Constant, b: &Constant) -> bool {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase());
    match (a, b) {
        (Constant::Integer(a), Constant::Integer(b)) => a != b,
        (Constant::Truth(a), Constant::Truth(b)) => a != b,
        (Constant::Text(a), Constant::Text(b)) => a != b && !a.is_empty() && plain(a) && plain(b),
        _ => false,
    }
}

/// What each column shown is, where it is a constant. `None` for what is no plain query.
fn tags(select: &SelectStmt) -> Option<Vec<Option<Constant>>> {
    if select.op != SetOperation::SetopNone as i32 || !select.values_lists.is_empty() {
        return None;
    }
    let value = |target: &pg_query::Node| match inner(Some(target)) {
        Some(NodeEnum::ResTarget(target)) => {
            inner(target.val.as_deref()).map(|val| (is_star(val), constant(val)))
        }
        _ => None,
    };
    let values: Option<Vec<_>> = select.target_list.iter().map(value).collect();
    let values = values?;
    // Behind a star nobody knows which column is which.
    if values.iter().any(|(star, _)| *star) {
        return None;
    }
    Some(values.into_iter().map(|(_, constant)| constant).collect())
}

fn is_star(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::ColumnRef(column) => {
            column.fields.last().is_some_and(|field| matches!(field.node, Some(NodeEnum::AStar(_))))
        }
        _ => false,
    }
}

/// Why a query repeats no row.
fn unlike(select: &SelectStmt, place: &Place<'_>) -> Option<String> {
    let is_simple = select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.group_clause.is_empty()
        && select.with_clause.is_none()
        && select.locking_clause.is_empty();
    let aggregates =
        select.target_list.iter().any(|target| inner(Some(target)).is_some_and(is_aggregate));
    let draws =
        select.target_list.iter().any(|target| inner(Some(target)).is_some_and(draws_together));
    if is_simple && aggregates && !calls_sets(select) {
        return Some("an aggregate without groups is one row".to_owned());
    }
    if !is_simple || draws || calls_sets(select) {
        return None;
    }
    keys_shown(select, place).map(|keys| format!("each row has its own {keys}"))
}

/// An aggregate that is no window function.
fn is_aggregate(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::SubLink(_) => false,
        NodeEnum::FuncCall(call) if call.over.is_some() => false,
        NodeEnum::FuncCall(call) if crate::call::is_aggregate(call) => true,
        _ => {
            let mut found = false;
            crate::tree::children(node, &mut |child| found |= is_aggregate(child));
            found
        }
    }
}
