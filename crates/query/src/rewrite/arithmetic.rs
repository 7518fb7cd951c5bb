//! `col + k = c` → `col = c - k`.

use pg_query::NodeEnum;

use super::{
    Told,
    glance::Glance,
    shape::{Constant, comparison, condition, constant, inner, operator},
    walk::Place,
};

/// A column and a constant that are added.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.other().is_some_and(|node| shifted(node).is_some())
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let (side, op, value) = comparison(node, |side| shifted(side).is_some())?;
    let (column, by) = shifted(side)?;
    let Constant::Integer(value) = constant(value)? else { return None };
    let found = place.column(column)?;
    let limit = value.checked_sub(by)?;
    let told = match found.column.type_name.as_str() {
        // The sum is a 4-byte integer.
        "smallint" if by.checked_add(32_767).is_some() && by.checked_sub(32_768).is_some() => {
            Told::equivalent("the sum of a smallint and this constant cannot overflow")
        }
        "integer" | "bigint" => Told::suggestion(
            "a value so near the end of its type that the sum overflows makes the old form fail, and not the new one",
        ),
        _ => return None,
    };
    *node = condition(&format!("_0 {op} {limit}"), std::slice::from_ref(column))?;
    Some(told)
}

/// A column, and the constant added to it.
fn shifted(node: &NodeEnum) -> Option<(&NodeEnum, i32)> {
    let NodeEnum::AExpr(e) = node else { return None };
    let (left, right) = (inner(e.lexpr.as_deref())?, inner(e.rexpr.as_deref())?);
    let is_column = |node: &NodeEnum| matches!(node, NodeEnum::ColumnRef(_));
    match (operator(node)?, constant(left), constant(right)) {
        ("+", None, Some(Constant::Integer(k))) if is_column(left) => Some((left, k)),
        ("+", Some(Constant::Integer(k)), None) if is_column(right) => Some((right, k)),
        ("-", None, Some(Constant::Integer(k))) if is_column(left) => {
            Some((left, k.checked_neg()?))
        }
        _ => None,
    }
}
