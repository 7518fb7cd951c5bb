//! `DISTINCT ON` without an order.

use super::{Said, look::Look, query::Is};
use crate::{rewrite::shape::inner, role::condition::text_of};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        let Some(select) = query.select() else { continue };
        let keys: Vec<String> = select
            .distinct_clause
            .iter()
            .filter_map(|node| inner(Some(node)).and_then(text_of))
            .collect();
        let is_sorted = |source: &super::query::Source<'_>| {
            matches!(source.is, Is::Query { is_sorted: true, .. })
        };
        let is_sorted_below = query.sources.len() == 1 && query.sources.iter().all(is_sorted);
        if keys.is_empty() || !select.sort_clause.is_empty() || is_sorted_below {
            continue;
        }
        let at = select.distinct_clause.iter().find_map(|node| match inner(Some(node))? {
            pg_query::NodeEnum::ColumnRef(column) => Some(column.location),
            _ => None,
        });
        let keys = keys.join(", ");
        said.push(Said {
            at: at.unwrap_or(-1),
            why: format!(
                "Of the rows with the same {keys}, the first that is met is shown; that changes with the plan, with \
                 updates and with parallel workers."
            ),
            instead: format!("Add ORDER BY {keys}, and behind it what tells the row that is wanted: … created_at DESC."),
            changes: "The row shown for each is the same each time.".to_owned(),
            ..Said::default()
        });
    }
}
