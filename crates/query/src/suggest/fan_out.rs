//! `SELECT DISTINCT a.* FROM a JOIN b …` where b is only asked whether it has a row.

use pg_query::{
    NodeEnum,
    protobuf::{JoinType, RangeVar, SelectStmt},
};

use super::{
    Said,
    look::{Look, as_item, name_in},
    query::{Is, Query, each},
};
use crate::{
    Statement,
    rewrite::{
        shape::{inner, operator},
        whole::text,
    },
    role::condition::text_of,
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        if let Some(select) = query.select() {
            said.extend(one(look, query, select));
        }
    }
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, select: &'a SelectStmt) -> Option<Said> {
    let is_distinct = matches!(select.distinct_clause.as_slice(), [pg_query::Node { node: None }]);
    let is_inner = query.joins.iter().all(|join| {
        join.jointype == JoinType::JoinInner as i32
            && !join.is_natural
            && join.using_clause.is_empty()
    });
    if !is_distinct || !is_inner || !select.group_clause.is_empty() || query.sources.len() < 2 {
        return None;
    }
    let mut tables: Vec<(usize, &RangeVar)> = Vec::new();
    for source in &query.sources {
        let Is::Table(place, range) = source.is else { return None };
        tables.push((place, range));
    }
    let shown = shown(look, query, select)?;
    let (kept, hidden): (Vec<_>, Vec<_>) =
        tables.into_iter().partition(|(place, _)| shown.contains(place));
    let [(kept, kept_range)] = kept.as_slice() else { return None };
    // Only a table that can match several times makes repeats; one found by its whole key cannot.
    let many = hidden.iter().find(|(place, _)| has_many(look, query, *place))?;
    let name = look.alias(many.0);
    let is_whole = look
        .table(*kept)
        .and_then(super::fact::Table::total_key)
        .is_some_and(|key| shows(look, query, select, *kept, key));
    let text = look
        .whole(query)
        .filter(|_| hidden.len() == 1)
        .and_then(|whole| as_exists(look, query, whole, (*kept, kept_range), *many, is_whole));
    Some(Said {
        at: many.1.location,
        why: format!(
            "{name} is only asked whether it has a row; each it has repeats the row of {}, and DISTINCT sorts or hashes them all \
             to remove the repeats.",
            look.alias(*kept)
        ),
        instead: format!("Ask with EXISTS: the search in {name} ends at the first row."),
        changes: if is_whole {
            format!(
                "The result stays: each row of {} is shown once, by its key.",
                look.alias(*kept)
            )
        } else {
            format!(
                "Without DISTINCT, rows of {} that look alike would be shown each; it is kept here.",
                look.alias(*kept)
            )
        },
        text,
        ..Said::default()
    })
}

/// The tables whose columns are shown; `None` where that cannot be told.
fn shown<'a>(look: &Look<'a>, query: &Query<'a>, select: &'a SelectStmt) -> Option<Vec<usize>> {
    let mut shown = Vec::new();
    for node in select.target_list.iter().chain(&select.sort_clause) {
        let node = inner(Some(node))?;
        let mut is_clear = true;
        each(node, &mut |node| match node {
            NodeEnum::ColumnRef(column) => match column.fields.as_slice() {
                [alias, last] if matches!(inner(Some(last)), Some(NodeEnum::AStar(_))) => {
                    let alias = name_in(alias);
                    let is_it =
                        |source: &&super::query::Source<'a>| Some(source.alias.as_str()) == alias;
                    match query.sources.iter().find(is_it).map(|source| source.is) {
                        Some(Is::Table(place, _)) => shown.push(place),
                        _ => is_clear = false,
                    }
                }
                _ => match look.column(query, node) {
                    Some(found) => shown.push(found.relation),
                    None => is_clear = false,
                },
            },
            NodeEnum::SubLink(_) => is_clear = false,
            _ => {}
        });
        if !is_clear {
            return None;
        }
    }
    Some(shown)
}

/// Whether the catalogue knows of no key that would hold a table to one row for each of the others.
fn has_many<'a>(look: &Look<'a>, query: &Query<'a>, relation: usize) -> bool {
    let Some(table) = look.table(relation) else { return false };
    let mut tied = look.equal_columns(query, relation);
    for part in query.conjuncts() {
        if let NodeEnum::AExpr(e) = part
            && operator(part) == Some("=")
        {
            let sides = [&e.lexpr, &e.rexpr].into_iter().filter_map(|side| inner(side.as_deref()));
            let found = sides.filter_map(|side| look.column(query, side));
            tied.extend(found.filter(|it| it.relation == relation).map(|it| it.name));
        }
    }
    !table.keys().into_iter().any(|key| key.iter().all(|name| tied.contains(name)))
}

fn shows(
    look: &Look<'_>,
    query: &Query<'_>,
    select: &SelectStmt,
    relation: usize,
    key: &[String],
) -> bool {
    let mut names = Vec::new();
    for target in &select.target_list {
        let Some(NodeEnum::ResTarget(target)) = inner(Some(target)) else { continue };
        let Some(node @ NodeEnum::ColumnRef(column)) = inner(target.val.as_deref()) else {
            continue;
        };
        if matches!(
            column.fields.last().map(|last| inner(Some(last))),
            Some(Some(NodeEnum::AStar(_)))
        ) {
            return true;
        }
        names.extend(
            look.column(query, node).filter(|it| it.relation == relation).map(|it| it.name),
        );
    }
    key.iter().all(|name| names.contains(name))
}

fn as_exists<'a>(
    look: &Look<'a>,
    query: &Query<'a>,
    select: &SelectStmt,
    kept: (usize, &RangeVar),
    hidden: (usize, &RangeVar),
    is_whole: bool,
) -> Option<String> {
    let (mut outside, mut inside) = (Vec::new(), Vec::new());
    for part in query.conjuncts() {
        let mut mentions_hidden = false;
        for found in look.columns(query, part) {
            mentions_hidden |= found?.relation == hidden.0;
        }
        if mentions_hidden { &mut inside } else { &mut outside }
            .push(format!("({})", text_of(part)?));
    }
    let exists =
        format!("EXISTS (SELECT 1 FROM {} WHERE {})", as_item(hidden.1), inside.join(" AND "));
    outside.push(exists);
    let frame = format!("SELECT 1 FROM {} WHERE {}", as_item(kept.1), outside.join(" AND "));
    let made = super::made::parsed(&frame)?;
    let mut changed = select.clone();
    changed.from_clause = made.from_clause;
    changed.where_clause = made.where_clause;
    if is_whole {
        changed.distinct_clause.clear();
    }
    let text = text(&NodeEnum::SelectStmt(Box::new(changed)))?;
    Statement::parse(&text).is_ok().then_some(text)
}
