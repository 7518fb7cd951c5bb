//! `coalesce(col, c) = c` → `col IS NULL OR col = c`.

use pg_query::NodeEnum;

use super::{
    Told,
    glance::Glance,
    shape::{comparison, condition, constant, inner},
    walk::Place,
};

/// `coalesce`.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    matches!(at.other(), Some(NodeEnum::CoalesceExpr(_)))
}

pub(super) fn apply(node: &mut NodeEnum, _: &Place<'_>) -> Option<Told> {
    let (side, op, value) = comparison(node, |side| matches!(side, NodeEnum::CoalesceExpr(_)))?;
    let NodeEnum::CoalesceExpr(coalesce) = side else { return None };
    let [column, default] = coalesce.args.as_slice() else { return None };
    let (column, default) = (inner(Some(column))?, inner(Some(default))?);
    let same = constant(default)? == constant(value)?;
    if !same || !matches!(column, NodeEnum::ColumnRef(_)) {
        return None;
    }
    let text = match op {
        "=" => "_0 IS NULL OR _0 = _1",
        // NULL is not wanted, and `_0 <> _1` is not true for it.
        "<>" => "_0 IS NOT NULL AND _0 <> _1",
        _ => return None,
    };
    *node = condition(text, &[column.clone(), value.clone()])?;
    Some(Told::equivalent(
        "coalesce yields the constant for NULL, and the column for everything else",
    ))
}
