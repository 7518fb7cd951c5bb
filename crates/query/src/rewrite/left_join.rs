//! A `LEFT JOIN` nothing is read from.

use pg_query::{
    Node, NodeEnum,
    protobuf::{JoinExpr, JoinType, RangeVar, SelectStmt},
};

use super::{
    Told,
    below::deep,
    glance::Glance,
    scope::{Level, parts},
    shape::{as_column, compares_exactly, comparison, inner, may_be_volatile},
    walk::Place,
};
use crate::condition::{conjuncts, holds_subquery};

/// A left join.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    matches!(at.other(), Some(NodeEnum::JoinExpr(join)) if join.jointype == JoinType::JoinLeft as i32)
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::SelectStmt(select) = node else { return None };
    let whole = select.clone();
    if !whole.locking_clause.is_empty() {
        return None;
    }
    for at in 0..select.from_clause.len() {
        let Some(NodeEnum::JoinExpr(join)) = inner(select.from_clause.get(at)) else { continue };
        if let Some(key) = needless(join, &whole, place) {
            let kept = join.larg.clone()?;
            let alias = right(join)?.1.to_owned();
            *select.from_clause.get_mut(at)? = *kept;
            return Some(Told::equivalent(format!(
                "{alias} ({}) is unique, so each row finds at most one, and nothing else of {alias} is used",
                key.join(", ")
            )));
        }
    }
    None
}

/// The table on the right, and its alias.
fn right(join: &JoinExpr) -> Option<(&RangeVar, &str)> {
    let NodeEnum::RangeVar(range) = inner(join.rarg.as_deref())? else { return None };
    let alias = range.alias.as_ref().map_or(&range.relname, |alias| &alias.aliasname);
    Some((range, alias))
}

/// The unique key by which a left join finds at most one row nobody looks at.
fn needless(join: &JoinExpr, select: &SelectStmt, place: &Place<'_>) -> Option<Vec<String>> {
    let is_plain = join.jointype == JoinType::JoinLeft as i32
        && !join.is_natural
        && join.using_clause.is_empty()
        && join.alias.is_none();
    let (range, alias) = right(join).filter(|_| is_plain)?;
    let quals = inner(join.quals.as_deref())?;
    if holds_subquery(quals) || may_be_volatile(quals, place.catalogue) {
        return None;
    }
    let mut level = Level::default();
    level.add_table(range, &place.expressions);
    let table = level.items.first()?.table.clone()?;
    let own = place.catalogue.columns(&table)?;
    let mut inside = place.clone();
    inside.levels.push(place.level_of(select));
    let compared: Vec<String> = conjuncts(join.quals.as_deref())
        .into_iter()
        .filter_map(|part| equal(part, alias, &own, &inside))
        .collect();
    let keys = place.catalogue.unique_keys(&table);
    let key =
        keys.into_iter().find(|key| !key.is_empty() && key.iter().all(|c| compared.contains(c)))?;
    // Named nowhere but in this join's own condition.
    let mut rest = NodeEnum::SelectStmt(Box::new(select.clone()));
    let mut names = 0;
    deep(&mut rest, &mut |inside| {
        names += usize::from(names_it(inside, alias, &own));
    });
    let mut in_quals = 0;
    let mut quals = quals.clone();
    deep(&mut quals, &mut |inside| in_quals += usize::from(names_it(inside, alias, &own)));
    (names == in_quals).then_some(key)
}

/// Whether a node may mean a column, or the row, of the table.
fn names_it(node: &NodeEnum, alias: &str, own: &[super::Column]) -> bool {
    let NodeEnum::ColumnRef(column) = node else { return false };
    let last_is_star =
        column.fields.last().is_some_and(|field| matches!(field.node, Some(NodeEnum::AStar(_))));
    match parts(column).as_deref() {
        Some([name]) => *name == alias || own.iter().any(|column| column.name == *name),
        Some([qualifier, _]) => *qualifier == alias,
        Some(_) => true,
        None => {
            last_is_star && {
                match column.fields.as_slice() {
                    [Node { node: Some(NodeEnum::String(name)) }, _] => name.sval == alias,
                    _ => true,
                }
            }
        }
    }
}

/// The column of the table that a condition compares by `=` with something that is none of its columns, and of a type
/// of which each value equals at most one of the column's.
fn equal(
    part: &NodeEnum,
    alias: &str,
    columns: &[super::Column],
    place: &Place<'_>,
) -> Option<String> {
    let is_own = |node: &NodeEnum| {
        as_column(node)
            .and_then(parts)
            .is_some_and(|names| matches!(names.as_slice(), [of, _] if *of == alias))
    };
    let (column, op, other) = comparison(part, is_own)?;
    let name = as_column(column).and_then(parts)?.last().map(|name| (*name).to_owned())?;
    let own = columns.iter().find(|own| own.name == name)?;
    let is_exact = match other {
        NodeEnum::AConst(_) | NodeEnum::ParamRef(_) => true,
        NodeEnum::ColumnRef(_) if is_own(other) => false,
        _ => place
            .column(other)
            .is_some_and(|found| compares_exactly(&own.type_name, &found.column.type_name)),
    };
    (op == "=" && is_exact).then_some(name)
}
