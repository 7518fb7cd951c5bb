//! `ORDER BY random() LIMIT n`.

use pg_query::{NodeEnum, protobuf::SelectStmt};

use super::{
    Said,
    look::{Look, Size, as_item},
    made::{parsed, selected},
    query::Query,
};
use crate::rewrite::shape::{Constant, constant, function_name, inner};

/// So many times as many rows are sampled as are wanted: pages hold rows that lie beside each other.
const SPARE: f64 = 100.0;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        if let Some(select) = query.select() {
            said.extend(one(look, query, select));
        }
    }
}

fn one(look: &Look<'_>, query: &Query<'_>, select: &SelectStmt) -> Option<Said> {
    let NodeEnum::SortBy(sort) = inner(select.sort_clause.first())? else { return None };
    let NodeEnum::FuncCall(call) = inner(sort.node.as_deref())? else { return None };
    if !matches!(function_name(call), Some("random" | "gen_random_uuid" | "uuid_generate_v4")) {
        return None;
    }
    let limit = inner(select.limit_count.as_deref())?;
    let (relation, range) = query.only_table()?;
    let Size::Matters(table) = look.size(relation) else { return None };
    if query.draws_together() || look.is_served(query, relation) {
        return None;
    }
    let text = match (constant(limit), table) {
        (Some(Constant::Integer(wanted)), Some(table)) if select.where_clause.is_none() => {
            let share = (f64::from(wanted) * SPARE / table.rows() * 100.0).max(0.001);
            let sampled =
                format!("SELECT 1 FROM {} TABLESAMPLE SYSTEM ({share:.3})", as_item(range));
            look.whole(query).filter(|_| share <= 50.0).and_then(|whole| {
                let from = parsed(&sampled)?.from_clause;
                selected(whole, |changed| {
                    changed.from_clause = from;
                    Some(())
                })
            })
        }
        _ => None,
    };
    Some(Said {
        at: call.location,
        why: format!(
            "Every row of {} is read and gets a number, to show a few: no index can help.",
            look.sized(relation)
        ),
        instead: "Sample pages with TABLESAMPLE SYSTEM and sort only those; or keep a column filled with random(), with an \
                  index, and take the first rows behind a random value."
            .to_owned(),
        changes: "The rows are chosen from some pages only: rows that were written together are found together, and on a table \
                  with many dead rows fewer may come than were asked for."
            .to_owned(),
        text,
        ..Said::default()
    })
}
