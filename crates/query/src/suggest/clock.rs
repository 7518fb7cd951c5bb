//! A timestamp without time zone compared with `now()`.

use pg_query::{NodeEnum, protobuf::SqlValueFunctionOp};

use super::{Said, look::Look, made::edited, query::Query};
use crate::{
    rewrite::shape::{comparison, condition, function_name},
    role::condition::text_of,
    tree::children,
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let is_plain = |side: &NodeEnum| {
        let column = look.column(query, side).and_then(|found| found.column);
        column.is_some_and(|column| column.type_id == "timestamp")
    };
    let (column, _, other) = comparison(node, is_plain)?;
    let at = clock_in(other)?;
    let name = text_of(column)?;
    let text = edited(look.root, &mut |node| {
        if place(node) == Some(at)
            && let Some(fixed) = condition("_0 AT TIME ZONE 'UTC'", std::slice::from_ref(node))
        {
            *node = fixed;
        }
    });
    Some(Said {
        at,
        why: format!(
            "{name} has no time zone and the clock has one: the server converts by the TimeZone of the session, so the same \
             statement finds other rows in another zone, and is an hour off when the clocks change."
        ),
        instead: "Say which zone the column is in, as below for UTC; or make the column timestamp with time zone.".to_owned(),
        changes: "The result no longer depends on the session's TimeZone.".to_owned(),
        text,
        ..Said::default()
    })
}

/// Where the clock is read, unless that is converted on the spot.
fn clock_in(node: &NodeEnum) -> Option<i32> {
    if let Some(at) = place(node) {
        return Some(at);
    }
    match node {
        NodeEnum::TypeCast(_) | NodeEnum::SubLink(_) => None,
        NodeEnum::FuncCall(call) if function_name(call) == Some("timezone") => None,
        _ => {
            let mut found = None;
            children(node, &mut |child| found = found.or_else(|| clock_in(child)));
            found
        }
    }
}

/// The place of a node that is the clock with its time zone.
fn place(node: &NodeEnum) -> Option<i32> {
    match node {
        NodeEnum::FuncCall(call) => match function_name(call)? {
            "now" | "transaction_timestamp" | "statement_timestamp" | "clock_timestamp" => {
                Some(call.location)
            }
            _ => None,
        },
        NodeEnum::SqlvalueFunction(value) => {
            let is = |op: SqlValueFunctionOp| value.op == op as i32;
            (is(SqlValueFunctionOp::SvfopCurrentTimestamp)
                || is(SqlValueFunctionOp::SvfopCurrentTimestampN))
            .then_some(value.location)
        }
        _ => None,
    }
}
