//! `SELECT DISTINCT` of rows that differ already.

use pg_query::{
    Node, NodeEnum,
    protobuf::{JoinType, SelectStmt},
};

use super::{
    Told,
    glance::Glance,
    scope::{Level, parts},
    shape::{calls_sets, inner, is_plain},
    walk::Place,
};

/// `DISTINCT`.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.query().is_some_and(is_distinct)
}

/// `DISTINCT` alone is a list of one empty node; `DISTINCT ON` names expressions.
pub(super) fn is_distinct(select: &SelectStmt) -> bool {
    matches!(select.distinct_clause.as_slice(), [Node { node: None }])
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::SelectStmt(select) = node else { return None };
    let limit = select.limit_count.take();
    let fits = is_distinct(select) && is_plain(select) && limit.is_none() && !calls_sets(select);
    select.limit_count = limit;
    if !fits {
        return None;
    }
    let keys = keys_shown(select, place)?;
    select.distinct_clause.clear();
    Some(Told::equivalent(format!("every row has its own {keys}, which is unique and NOT NULL")))
}

/// The unique keys, one of each table, that a query shows; `None` where rows may be alike.
pub(super) fn keys_shown(select: &SelectStmt, place: &Place<'_>) -> Option<String> {
    if select.from_clause.is_empty() || !select.from_clause.iter().all(is_inner) {
        return None;
    }
    let level = place.level_of(select);
    let shown = shown(select, &level, place)?;
    // A column that two tables share is shown once, in a type both have.
    if shows_all(select) && select.from_clause.iter().any(is_merging) {
        return None;
    }
    let mut names = Vec::new();
    for item in &level.items {
        let table = item.table.as_ref()?;
        let columns = place.catalogue.columns(table)?;
        let fits = |key: &&Vec<String>| {
            key.iter().all(|name| {
                let not_null = columns.iter().any(|c| c.name == *name && c.is_not_null);
                not_null && shown.contains(&(item.alias.clone(), name.clone()))
            })
        };
        let keys = place.catalogue.unique_keys(table);
        let key = keys.iter().filter(|key| !key.is_empty()).find(fits)?;
        names.push(format!("{} ({})", item.alias, key.join(", ")));
    }
    (!names.is_empty()).then(|| names.join(" with "))
}

/// Tables, and inner joins of tables.
pub(super) fn is_inner(node: &Node) -> bool {
    match inner(Some(node)) {
        Some(NodeEnum::RangeVar(_)) => true,
        Some(NodeEnum::JoinExpr(join)) => {
            let sides = [&join.larg, &join.rarg];
            join.jointype == JoinType::JoinInner as i32
                && join.alias.is_none()
                && sides.into_iter().all(|side| side.as_deref().is_some_and(is_inner))
        }
        _ => false,
    }
}

/// Whether an unqualified star is shown.
pub(super) fn shows_all(select: &SelectStmt) -> bool {
    select.target_list.iter().any(|target| match inner(Some(target)) {
        Some(NodeEnum::ResTarget(target)) => match inner(target.val.as_deref()) {
            Some(NodeEnum::ColumnRef(column)) => {
                matches!(column.fields.as_slice(), [Node { node: Some(NodeEnum::AStar(_)) }])
            }
            _ => false,
        },
        _ => false,
    })
}

/// Whether a join makes one column of two.
pub(super) fn is_merging(node: &Node) -> bool {
    match inner(Some(node)) {
        Some(NodeEnum::JoinExpr(join)) => {
            join.is_natural
                || !join.using_clause.is_empty()
                || [&join.larg, &join.rarg]
                    .into_iter()
                    .any(|side| side.as_deref().is_some_and(is_merging))
        }
        _ => false,
    }
}

/// The columns shown as they are: alias and name.
fn shown(select: &SelectStmt, level: &Level, place: &Place<'_>) -> Option<Vec<(String, String)>> {
    let mut inside = place.clone();
    inside.levels.push(level.clone());
    let mut shown = Vec::new();
    for target in &select.target_list {
        let Some(NodeEnum::ResTarget(target)) = inner(Some(target)) else { continue };
        let Some(NodeEnum::ColumnRef(column)) = inner(target.val.as_deref()) else { continue };
        if let Some(names) = parts(column) {
            let found = inside.column(inner(target.val.as_deref())?).filter(|it| it.depth == 0);
            shown.extend(found.map(|it| (it.alias, it.column.name)));
            drop(names);
            continue;
        }
        let of = match column.fields.as_slice() {
            [_] => None,
            [alias, _] => match inner(Some(alias))? {
                NodeEnum::String(alias) => Some(alias.sval.clone()),
                _ => return None,
            },
            _ => return None,
        };
        for item in level.items.iter().filter(|item| of.as_ref().is_none_or(|of| *of == item.alias))
        {
            let columns = item.table.as_ref().and_then(|table| place.catalogue.columns(table))?;
            shown.extend(columns.into_iter().map(|column| (item.alias.clone(), column.name)));
        }
    }
    Some(shown)
}
