//! Several statements of a script that read one table row by row.

use pg_query::{Node, NodeEnum};

use super::{Said, look::name_in, made::parsed};
use crate::{
    Lookup, Statement,
    condition::{conjuncts, equality},
    fingerprint,
    rewrite::{
        shape::{condition, inner},
        whole::{is_writable, text},
    },
};

/// So many reads in a row are one too many.
const MANY: usize = 3;
/// Values that are listed in the text.
const LISTED: usize = 50;

/// A lookup that occurs more than once.
struct Group {
    print: String,
    lookup: Lookup,
    places: Vec<usize>,
}

/// What is to be said, each with the place of the first statement it is about.
pub(super) fn find(statements: &[(&str, &Statement)]) -> Vec<(usize, Said)> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, (text, statement)) in statements.iter().enumerate() {
        let (Some(lookup), Ok(print)) = (statement.lookup(), fingerprint(text)) else { continue };
        if !is_writable(statement.root()) {
            continue;
        }
        match groups.iter_mut().find(|group| group.print == print && group.lookup == lookup) {
            Some(group) => group.places.push(place),
            None => groups.push(Group { print, lookup, places: vec![place] }),
        }
    }
    let many = groups.into_iter().filter(|group| group.places.len() >= MANY);
    many.filter_map(|group| Some((*group.places.first()?, one(&group, statements)))).collect()
}

fn one(group: &Group, statements: &[(&str, &Statement)]) -> Said {
    let count = group.places.len();
    let columns = group.lookup.columns.join(", ");
    let table = &group.lookup.table.name;
    let roots = group.places.iter().filter_map(|place| Some(statements.get(*place)?.1.root()));
    let text = match group.lookup.columns.as_slice() {
        [column] => together(column, &roots.collect::<Vec<_>>()),
        _ => None,
    };
    Said {
        at: 0,
        why: format!(
            "{count} statements of this script read {table} by {columns}, one value each: {} round trips more than one, each with \
             its own parsing and planning.",
            count - 1
        ),
        instead: format!(
            "Read them with one statement, {columns} = ANY ($1), and show {columns} to tell the rows apart; where the values come \
             from another query, join it."
        ),
        changes: "All rows come as one result, in no particular order.".to_owned(),
        text,
        ..Said::default()
    }
}

/// The first statement, asking for the values of all.
fn together(column: &str, roots: &[&NodeEnum]) -> Option<String> {
    let mut values: Vec<NodeEnum> = Vec::new();
    for root in roots {
        let NodeEnum::SelectStmt(select) = root else { return None };
        let (_, value) = compared(select.where_clause.as_deref(), column)?;
        if !values.iter().any(|known| same(known, value)) {
            values.push(value.clone());
        }
    }
    let Some(NodeEnum::SelectStmt(first)) = roots.first() else { return None };
    if first.limit_count.is_some() || first.limit_offset.is_some() {
        return None;
    }
    let (side, own) = compared(first.where_clause.as_deref(), column)?;
    let is_listed =
        values.len() <= LISTED && values.iter().all(|v| matches!(v, NodeEnum::AConst(_)));
    let better = if is_listed {
        let names: Vec<String> = (1..=values.len()).map(|place| format!("_{place}")).collect();
        let all: Vec<NodeEnum> = std::iter::once(side.clone()).chain(values).collect();
        condition(&format!("_0 = ANY (ARRAY[{}])", names.join(", ")), &all)?
    } else if matches!(own, NodeEnum::ParamRef(_)) {
        condition("_0 = ANY (_1)", &[side.clone(), own.clone()])?
    } else {
        return None;
    };
    let mut changed = first.clone();
    let clause = changed.where_clause.as_mut()?;
    replace(clause, side, &better);
    // The key must be seen, or nobody can tell the rows apart.
    if !shows(&changed.target_list, column) {
        let key = parsed(&format!("SELECT {}", crate::lint::name::quoted(column)))?.target_list;
        changed.target_list.splice(0..0, key);
    }
    text(&NodeEnum::SelectStmt(changed))
}

/// The side of a comparison that is the column, and the value it equals.
fn compared<'n>(condition: Option<&'n Node>, column: &str) -> Option<(&'n NodeEnum, &'n NodeEnum)> {
    conjuncts(condition).into_iter().find_map(|part| {
        let NodeEnum::AExpr(e) = part else { return None };
        let found = equality(e)?.column;
        let NodeEnum::ColumnRef(own) = found else { return None };
        if own.fields.last().and_then(name_in) != Some(column) {
            return None;
        }
        let (left, right) = (inner(e.lexpr.as_deref())?, inner(e.rexpr.as_deref())?);
        Some((found, if std::ptr::eq(left, found) { right } else { left }))
    })
}

/// Whether two values are alike, wherever they stand.
fn same(one: &NodeEnum, other: &NodeEnum) -> bool {
    match (one, other) {
        (NodeEnum::AConst(one), NodeEnum::AConst(other)) => {
            one.val == other.val && one.isnull == other.isnull
        }
        _ => one == other,
    }
}

fn replace(node: &mut Node, side: &NodeEnum, better: &NodeEnum) {
    let is_it = matches!(&node.node, Some(NodeEnum::AExpr(e))
        if equality(e).is_some_and(|equal| equal.column == side));
    if is_it {
        node.node = Some(better.clone());
    } else if let Some(NodeEnum::BoolExpr(all)) = node.node.as_mut() {
        all.args.iter_mut().for_each(|arg| replace(arg, side, better));
    }
}

fn shows(targets: &[Node], column: &str) -> bool {
    targets.iter().any(|target| match inner(Some(target)) {
        Some(NodeEnum::ResTarget(target)) => match inner(target.val.as_deref()) {
            Some(NodeEnum::ColumnRef(shown)) => {
                match shown.fields.last().map(|last| inner(Some(last))) {
                    Some(Some(NodeEnum::AStar(_))) => true,
                    Some(Some(NodeEnum::String(name))) => name.sval == column,
                    _ => false,
                }
            }
            _ => false,
        },
        _ => false,
    })
}
