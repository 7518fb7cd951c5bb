//! `ORDER BY` where nobody sees the order.

use pg_query::{
    Node, NodeEnum,
    protobuf::{FuncCall, SelectStmt, SubLinkType},
};

use super::{
    Told,
    glance::Glance,
    shape::{function_name, inner},
    walk::Place,
};
use crate::tree::{children, of_select};

/// A subquery that is sorted.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    let query = match at.other() {
        Some(NodeEnum::SubLink(sub)) => inner(sub.subselect.as_deref()),
        Some(NodeEnum::RangeSubselect(sub)) => inner(sub.subquery.as_deref()),
        _ => None,
    };
    matches!(query, Some(NodeEnum::SelectStmt(select)) if !select.sort_clause.is_empty())
}

pub(super) fn apply(node: &mut NodeEnum, _: &Place<'_>) -> Option<Told> {
    match node {
        NodeEnum::SubLink(sub) => {
            let kinds =
                [SubLinkType::AnySublink, SubLinkType::ExistsSublink, SubLinkType::AllSublink];
            let fits = kinds.iter().any(|kind| sub.sub_link_type == *kind as i32);
            let query = sub.subselect.as_mut()?.node.as_mut()?;
            (fits && unsort(query)).then(|| {
                Told::equivalent("membership and existence do not depend on the order of the rows")
            })
        }
        NodeEnum::SelectStmt(select) => {
            if !is_blind(select) {
                return None;
            }
            let mut changed = false;
            for item in &mut select.from_clause {
                if let Some(item) = item.node.as_mut() {
                    in_from(item, &mut changed);
                }
            }
            changed.then(|| {
                Told::equivalent(
                    "the query around it draws the rows together by aggregates that do not depend on their order",
                )
            })
        }
        _ => None,
    }
}

fn in_from(item: &mut NodeEnum, changed: &mut bool) {
    match item {
        NodeEnum::RangeSubselect(sub) => {
            if let Some(query) = sub.subquery.as_mut().and_then(|query| query.node.as_mut()) {
                *changed |= unsort(query);
            }
        }
        NodeEnum::JoinExpr(join) => {
            for side in [&mut join.larg, &mut join.rarg] {
                if let Some(side) = side.as_mut().and_then(|side| side.node.as_mut()) {
                    in_from(side, changed);
                }
            }
        }
        _ => {}
    }
}

/// Takes the order away where it does not choose rows.
fn unsort(query: &mut NodeEnum) -> bool {
    let NodeEnum::SelectStmt(select) = query else { return false };
    // DISTINCT ON keeps the first row of each; a window without an order of its own sees that of the query's input,
    // not this one.
    let chooses = select.limit_count.is_some()
        || select.limit_offset.is_some()
        || !select.locking_clause.is_empty()
        || select.distinct_clause.iter().any(|node| node.node.is_some());
    if select.sort_clause.is_empty() || chooses {
        return false;
    }
    // An expression sorted by may fail, and would no longer.
    if !select.sort_clause.iter().all(is_column) {
        return false;
    }
    select.sort_clause.clear();
    true
}

fn is_column(node: &Node) -> bool {
    match inner(Some(node)) {
        Some(NodeEnum::SortBy(sort)) => matches!(
            inner(sort.node.as_deref()),
            Some(NodeEnum::ColumnRef(_) | NodeEnum::AConst(_))
        ),
        _ => false,
    }
}

/// Whether a query yields the same whatever order its rows come in: it aggregates, by functions that do not see it.
fn is_blind(select: &SelectStmt) -> bool {
    let (mut aggregates, mut sees) = (!select.group_clause.is_empty(), false);
    of_select(select, &mut |child| survey(child, &mut aggregates, &mut sees));
    aggregates && !sees && select.limit_count.is_none() && select.distinct_clause.is_empty()
}

fn survey(node: &NodeEnum, aggregates: &mut bool, sees: &mut bool) {
    match node {
        NodeEnum::SubLink(_) | NodeEnum::RangeSubselect(_) => {}
        NodeEnum::FuncCall(call) => {
            let blind = is_blind_aggregate(call);
            *aggregates |= blind;
            // Sums of floating point differ by the order, and so may whatever is not known.
            *sees |= !blind;
            children(node, &mut |child| survey(child, aggregates, sees));
        }
        _ => children(node, &mut |child| survey(child, aggregates, sees)),
    }
}

fn is_blind_aggregate(call: &FuncCall) -> bool {
    call.over.is_none()
        && matches!(
            function_name(call),
            Some("count" | "min" | "max" | "bool_and" | "bool_or" | "every")
        )
}
