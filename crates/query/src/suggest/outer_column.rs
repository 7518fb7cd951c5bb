//! `IN (SELECT x …)` where x is a column of the query around it.

use pg_query::NodeEnum;

use super::{
    Said,
    look::Look,
    query::{Is, Query, Stands},
};
use crate::{rewrite::shape::inner, role::Columns};

/// Columns of the table that are named.
const NAMED: usize = 8;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in look.queries.iter().filter(|query| query.stands == Stands::Rows) {
        said.extend(one(look, query));
    }
}

fn one(look: &Look<'_>, query: &Query<'_>) -> Option<Said> {
    let select = query.select()?;
    let [only] = select.target_list.as_slice() else { return None };
    let NodeEnum::ResTarget(target) = inner(Some(only))? else { return None };
    let node = inner(target.val.as_deref())?;
    let NodeEnum::ColumnRef(column) = node else { return None };
    let [name] = column.fields.as_slice() else { return None };
    let name = super::look::name_in(name)?;
    let mut own = Vec::new();
    for source in &query.sources {
        let Is::Table(place, _) = source.is else { return None };
        own.push((place, look.facts.of(&look.relations.get(place)?.table)?));
    }
    let found = look.column(query, node)?;
    let (first, columns) = own.first()?;
    if own.iter().any(|(place, _)| *place == found.relation) {
        return None;
    }
    let listed = columns.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = if columns.len() > NAMED { ", …" } else { "" };
    Some(Said {
        at: column.location,
        why: format!(
            "{} has no column {name}: the name is that of {}, so the condition compares each row with itself and is \
             true as soon as the subquery yields a row.",
            look.name(*first),
            look.name(found.relation)
        ),
        instead: format!(
            "Write the column with its table, {}.…; there are {listed}{more}.",
            look.alias(*first)
        ),
        changes: "The rows that were meant are found, instead of all.".to_owned(),
        ..Said::default()
    })
}
