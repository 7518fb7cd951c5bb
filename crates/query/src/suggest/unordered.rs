//! `LIMIT` without `ORDER BY`.

use pg_query::{NodeEnum, protobuf::SelectStmt};

use super::{
    Said,
    look::Look,
    made::{parsed, selected},
    query::{Is, Kind, Query, Stands, is_one_row},
};
use crate::{
    lint::name::quoted,
    rewrite::shape::{Constant, constant, inner},
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        if let Some(select) = query.select() {
            said.extend(one(look, query, select));
        }
    }
}

fn one(look: &Look<'_>, query: &Query<'_>, select: &SelectStmt) -> Option<Said> {
    let limit = inner(select.limit_count.as_deref())?;
    let is_all = matches!(limit, NodeEnum::AConst(value) if value.isnull);
    if is_all || constant(limit) == Some(Constant::Integer(0)) || !select.sort_clause.is_empty() {
        return None;
    }
    // Pages are another rule's; a queue takes whatever is free; a write takes its rows a batch at a time.
    if select.limit_offset.is_some() || !select.locking_clause.is_empty() {
        return None;
    }
    let is_batch = query.stands == Stands::Rows
        && look.queries.iter().any(|q| matches!(q.kind, Kind::Update(_) | Kind::Delete(_)));
    if query.stands == Stands::Exists || is_batch || asks_for_any(select, limit) {
        return None;
    }
    let mut bare = select.clone();
    bare.limit_count = None;
    if is_one_row(&bare) || !select.distinct_clause.is_empty() && !select.group_clause.is_empty() {
        return None;
    }
    let is_fixed = |source: &super::query::Source<'_>| match source.is {
        Is::Table(place, _) => look.is_pinned(query, place),
        Is::OneRow | Is::Made => true,
        Is::Query { is_sorted, .. } => is_sorted,
    };
    if query.sources.iter().all(is_fixed) {
        return None;
    }
    let key = query.only_table().and_then(|(place, _)| look.table(place)?.total_key());
    let order = key.map(|key| key.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "));
    let text = order.as_ref().filter(|_| !query.draws_together()).and_then(|order| {
        let whole = look.whole(query)?;
        let sorted = parsed(&format!("SELECT 1 ORDER BY {order}"))?;
        selected(whole, |changed| {
            changed.sort_clause = sorted.sort_clause;
            Some(())
        })
    });
    Some(Said {
        at: limit_at(limit),
        why: "Which rows come is left to the plan: they change with updates, VACUUM, parallel workers, and scans that join one \
              that is under way."
            .to_owned(),
        instead: match &order {
            Some(order) => format!("Say which rows are wanted, with a unique key at the end: ORDER BY …, {order}."),
            None => "Say which rows are wanted: ORDER BY, with a unique key at its end.".to_owned(),
        },
        changes: "The same rows come each time; without an index in that order, all rows are sorted first.".to_owned(),
        text,
        ..Said::default()
    })
}

/// One row of nothing but constants is asked for: whether there is any.
fn asks_for_any(select: &SelectStmt, limit: &NodeEnum) -> bool {
    let is_constant = |target: &pg_query::Node| match inner(Some(target)) {
        Some(NodeEnum::ResTarget(target)) => {
            matches!(inner(target.val.as_deref()), Some(NodeEnum::AConst(_)))
        }
        _ => false,
    };
    constant(limit) == Some(Constant::Integer(1)) && select.target_list.iter().all(is_constant)
}

fn limit_at(limit: &NodeEnum) -> i32 {
    match limit {
        NodeEnum::AConst(value) => value.location,
        NodeEnum::ParamRef(parameter) => parameter.location,
        _ => -1,
    }
}
