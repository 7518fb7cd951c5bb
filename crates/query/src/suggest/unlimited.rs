//! A large result without `LIMIT`.

use dbvitals_model::words;
use pg_query::NodeEnum;

use super::{
    LARGE_ROWS, Said,
    look::Look,
    made::{parsed, selected},
    query::{Is, Query, Stands, is_one_row},
};
use crate::{lint::name::quoted, rewrite::shape::inner};

/// Rows of a page, in the text that is proposed.
const PAGE: &str = "100";

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    // The outermost query alone tells how much the client gets.
    let Some(query) = look.queries.first() else { return };
    if query.stands == Stands::Top && matches!(look.root, NodeEnum::SelectStmt(_)) {
        said.extend(one(look, query));
    }
}

fn one(look: &Look<'_>, query: &Query<'_>) -> Option<Said> {
    let select = query.select()?;
    let limit = inner(select.limit_count.as_deref());
    let is_limited =
        limit.is_some_and(|limit| !matches!(limit, NodeEnum::AConst(value) if value.isnull));
    if is_limited || query.draws_together() || is_one_row(select) {
        return None;
    }
    let tables: Vec<usize> = query
        .sources
        .iter()
        .filter_map(|source| match source.is {
            Is::Table(place, _) => Some(place),
            _ => None,
        })
        .collect();
    if tables.is_empty()
        || tables.iter().any(|place| look.is_pinned(query, *place) && tables.len() == 1)
    {
        return None;
    }
    let whole = query.only_table().filter(|_| select.where_clause.is_none());
    let expected = look.facts.expected.map(|expected| (expected.rows, Some(expected.width)));
    let counted = || Some((look.table(whole?.0)?.rows(), None));
    let (rows, width) = expected.or_else(counted)?;
    if rows < LARGE_ROWS {
        return None;
    }
    let bytes = width.filter(|width| *width > 0.0).map(|width| {
        format!(", {} at {} bytes a row", words::bytes(rows * width), words::count(width))
    });
    let key = query.only_table().and_then(|(place, _)| look.table(place)?.total_key());
    let sorted = key
        .filter(|_| select.sort_clause.is_empty())
        .map(|key| key.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "));
    let text = sorted.as_ref().and_then(|order| {
        let page = parsed(&format!("SELECT 1 ORDER BY {order} LIMIT {PAGE}"))?;
        selected(select, |changed| {
            changed.sort_clause = page.sort_clause;
            changed.limit_count = page.limit_count;
            changed.limit_option = page.limit_option;
            Some(())
        })
    });
    let at = match query.sources.first()?.is {
        Is::Table(_, range) => range.location,
        _ => -1,
    };
    Some(Said {
        at,
        why: format!(
            "The planner expects {} rows{}; most drivers hold all of them in memory before the program sees the first.",
            words::count(rows),
            bytes.unwrap_or_default()
        ),
        instead: "For a person or a page, ask for as many as are shown: ORDER BY a unique key, LIMIT. For an export, use a \
                  cursor or COPY (…) TO STDOUT."
            .to_owned(),
        changes: "The first rows come instead of all.".to_owned(),
        text: text.filter(|_| look.whole(query).is_some()),
        ..Said::default()
    })
}
