//! `WHERE t.a = 1 OR u.b = 2` → `… WHERE t.a = 1 UNION … WHERE u.b = 2`.

use std::collections::BTreeSet;

use pg_query::{
    Node, NodeEnum,
    protobuf::{BoolExprType, SelectStmt},
};

use super::{
    Told,
    distinct::{is_distinct, is_inner, is_merging, keys_shown, shows_all},
    scope::parts,
    shape::{
        and, boxed, calls_sets, column, inner, is_plain, may_be_volatile, node as wrapped, query,
    },
    walk::Place,
};
use crate::{
    condition::{conjuncts, holds_subquery},
    tree,
};

/// A `UNION` of more queries than these is no help.
const MOST: usize = 4;

/// Types whose equal values look alike enough for `UNION`, and that it can compare at all.
const COMPARABLE: &[&str] = &[
    "bigint",
    "boolean",
    "bytea",
    "character",
    "character varying",
    "cidr",
    "date",
    "double precision",
    "inet",
    "integer",
    "interval",
    "jsonb",
    "numeric",
    "real",
    "smallint",
    "text",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
    "uuid",
];

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::SelectStmt(select) = &*node else { return None };
    let is_distinct = is_distinct(select);
    let fits = is_plain(select)
        && (is_distinct || select.distinct_clause.is_empty())
        && !calls_sets(select)
        && !select.from_clause.is_empty()
        && select.from_clause.iter().all(is_inner)
        && !may_be_volatile(node, place.catalogue);
    if !fits {
        return None;
    }
    let mut inside = place.clone();
    inside.levels.push(place.level_of(select));
    let outputs = outputs(select, &inside)?;
    let parts: Vec<NodeEnum> =
        conjuncts(select.where_clause.as_deref()).into_iter().cloned().collect();
    let (at, arms) =
        parts.iter().enumerate().find_map(|(at, part)| Some((at, arms(part, &inside)?)))?;
    let because = if is_distinct {
        "UNION leaves out what is shown twice, as DISTINCT does".to_owned()
    } else {
        let keys = keys_shown(select, place)?;
        format!(
            "each row has its own {keys}, so UNION leaves out exactly what several conditions find"
        )
    };
    let mut plain = select.clone();
    plain.distinct_clause.clear();
    let order = order(&mut plain, &outputs, &inside)?;
    let branches = arms.into_iter().map(|arm| {
        let mut branch = plain.clone();
        branch.where_clause = None;
        for (place, part) in parts.iter().enumerate() {
            let part = if place == at { arm.clone() } else { part.clone() };
            and(&mut branch.where_clause, part);
        }
        branch
    });
    let mut whole = branches.map(Some).reduce(|left, right| {
        let mut both = query("SELECT 1 UNION SELECT 1", &[])?;
        both.larg = left;
        both.rarg = right;
        Some(both)
    })??;
    whole.sort_clause = order;
    *node = NodeEnum::SelectStmt(whole);
    Some(Told::equivalent(because))
}

/// A column that is shown: its table's alias, its name, and the name it is shown under.
struct Output {
    alias: String,
    column: String,
    name: String,
}

/// What a query shows, if it is columns of comparable types and nothing else.
fn outputs(select: &SelectStmt, inside: &Place<'_>) -> Option<Vec<Output>> {
    let mut outputs = Vec::new();
    let level = inside.levels.last()?;
    let is_comparable = |type_name: &str| COMPARABLE.contains(&bare(type_name).as_str());
    if shows_all(select) && select.from_clause.iter().any(is_merging) {
        return None;
    }
    for target in &select.target_list {
        let NodeEnum::ResTarget(target) = inner(Some(target))? else { return None };
        let value = inner(target.val.as_deref())?;
        let NodeEnum::ColumnRef(reference) = value else { return None };
        if let Some(names) = parts(reference) {
            let found = inside.column(value)?;
            if found.depth != 0 || !is_comparable(&found.column.type_name) {
                return None;
            }
            let own = (*names.last()?).to_owned();
            let name = if target.name.is_empty() { own } else { target.name.clone() };
            outputs.push(Output { alias: found.alias, column: found.column.name, name });
            continue;
        }
        let of = match reference.fields.as_slice() {
            [_] => None,
            [Node { node: Some(NodeEnum::String(alias)) }, _] => Some(&alias.sval),
            _ => return None,
        };
        for item in level.items.iter().filter(|item| of.is_none_or(|of| *of == item.alias)) {
            for column in inside.catalogue.columns(item.table.as_ref()?)? {
                if !is_comparable(&column.type_name) {
                    return None;
                }
                let (alias, name) = (item.alias.clone(), column.name.clone());
                outputs.push(Output { alias, column: column.name, name });
            }
        }
    }
    Some(outputs)
}

/// A type without its length: `numeric(10,2)` is `numeric`.
fn bare(type_name: &str) -> String {
    match (type_name.find('('), type_name.find(')')) {
        (Some(from), Some(to)) if from < to => {
            format!("{}{}", &type_name[..from], &type_name[to + 1..])
        }
        _ => type_name.to_owned(),
    }
}

/// The arms of an `OR` that together name several tables, those of one table together.
fn arms(part: &NodeEnum, inside: &Place<'_>) -> Option<Vec<NodeEnum>> {
    let NodeEnum::BoolExpr(any) = part else { return None };
    if any.boolop != BoolExprType::OrExpr as i32 || holds_subquery(part) {
        return None;
    }
    let mut groups: Vec<(String, Vec<Node>)> = Vec::new();
    for arm in &any.args {
        let alias = only_table(inner(Some(arm))?, inside)?;
        match groups.iter_mut().find(|(of, _)| *of == alias) {
            Some((_, arms)) => arms.push(arm.clone()),
            None => groups.push((alias, vec![arm.clone()])),
        }
    }
    if groups.len() < 2 || groups.len() > MOST {
        return None;
    }
    let whole = |(_, mut arms): (String, Vec<Node>)| {
        if arms.len() == 1 {
            return arms.pop()?.node;
        }
        let mut group = any.clone();
        group.args = arms;
        Some(NodeEnum::BoolExpr(group))
    };
    groups.into_iter().map(whole).collect()
}

/// The alias of the one table of this query whose columns a condition names.
fn only_table(condition: &NodeEnum, inside: &Place<'_>) -> Option<String> {
    let (mut aliases, mut is_known) = (BTreeSet::new(), true);
    tree::deep(condition, &mut |below| {
        if matches!(below, NodeEnum::ColumnRef(_)) {
            match inside.column(below) {
                Some(found) if found.depth == 0 => drop(aliases.insert(found.alias)),
                Some(_) => {}
                None => is_known = false,
            }
        }
    });
    (is_known && aliases.len() == 1).then(|| aliases.pop_first()).flatten()
}

/// Takes the order away, to be put behind the whole: there it can only name what is shown.
fn order(select: &mut SelectStmt, outputs: &[Output], inside: &Place<'_>) -> Option<Vec<Node>> {
    let mut sorted = std::mem::take(&mut select.sort_clause);
    for key in &mut sorted {
        let Some(NodeEnum::SortBy(sort)) = key.node.as_mut() else { return None };
        let value = inner(sort.node.as_deref())?;
        // The name of an output stands before that of a column, and a number for a place.
        if matches!(value, NodeEnum::AConst(_)) {
            continue;
        }
        let NodeEnum::ColumnRef(reference) = value else { return None };
        let names = parts(reference)?;
        let shown: Vec<&Output> = match names.as_slice() {
            [name] if outputs.iter().any(|output| output.name == *name) => {
                outputs.iter().filter(|output| output.name == *name).collect()
            }
            _ => {
                let found = inside.column(value).filter(|found| found.depth == 0)?;
                let same = |output: &&Output| {
                    output.alias == found.alias && output.column == found.column.name
                };
                outputs.iter().filter(same).collect()
            }
        };
        let name = &shown.first()?.name;
        if outputs.iter().filter(|output| output.name == *name).count() != 1 {
            return None;
        }
        let NodeEnum::ColumnRef(mut bare) = column("x", name)? else { return None };
        bare.fields.remove(0);
        sort.node = Some(boxed(NodeEnum::ColumnRef(bare)));
    }
    Some(sorted.into_iter().filter_map(|key| key.node).map(wrapped).collect())
}
