//! Functions that a condition calls, and how often.

use std::ops::Range;

use pg_query::{NodeEnum, protobuf::FuncCall};

use crate::{
    condition::names_column,
    statement::Refused,
    tree::{children, of_select},
};

/// One call in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionCall {
    /// The schema, where it is written.
    pub schema: Option<String>,
    /// The function's name, unquoted.
    pub name: String,
    /// How often it is made.
    pub often: Often,
    /// Where it stands in the text, in bytes, arguments included.
    pub place: Range<usize>,
}

/// How often a condition makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Often {
    /// For every row, with a value of the row.
    PerRow,
    /// For every row, always with the same arguments: it could be made once.
    PerRowAlike,
    /// Once per statement: it stands in a subquery without tables, `(SELECT f())`.
    Once,
    /// As often as a subquery with tables of its own asks.
    InSubquery,
}

/// The calls of a condition, as `pg_get_expr` shows it, in the order of the text.
pub fn condition_calls(condition: &str) -> Result<Vec<ConditionCall>, Refused> {
    let text = format!("{BEFORE}{condition}");
    let parsed = pg_query::parse(&text, 0)?.protobuf.stmts;
    let root = parsed.first().and_then(|raw| raw.stmt.as_ref()?.node.as_ref());
    let Some(NodeEnum::SelectStmt(select)) = root else { return Err(Refused::Empty) };
    let mut calls = Vec::new();
    of_select(select, &mut |child| visit(child, None, &mut calls));
    for call in &mut calls {
        let end = end_of_call(&text, call.place.start);
        call.place =
            call.place.start.saturating_sub(BEFORE.len())..end.saturating_sub(BEFORE.len());
    }
    Ok(calls)
}

/// The condition with each of these calls in a subquery of its own; `None` where that would not be made once.
pub fn wrap_calls(condition: &str, wanted: impl Fn(&ConditionCall) -> bool) -> Option<String> {
    let calls = condition_calls(condition).ok()?;
    let mut places: Vec<_> =
        calls.iter().filter(|call| wanted(call)).map(|call| &call.place).collect();
    places.sort_by_key(|place| place.start);
    let mut text = String::with_capacity(condition.len() + 16 * places.len());
    let mut done = 0;
    for place in places {
        // A call inside one that is wrapped is wrapped with it.
        if place.start >= done {
            text.push_str(condition.get(done..place.start)?);
            text.push_str("(SELECT ");
            text.push_str(condition.get(place.clone())?);
            text.push(')');
            done = place.end;
        }
    }
    text.push_str(condition.get(done..)?);
    let left = condition_calls(&text).ok()?;
    (!left.iter().any(|call| call.often == Often::PerRowAlike && wanted(call))).then_some(text)
}

/// What makes a statement of a condition.
const BEFORE: &str = "SELECT ";

/// The end of the call that begins there: behind the parenthesis that closes its arguments.
fn end_of_call(text: &str, start: usize) -> usize {
    let mut depth = 0_u32;
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn visit(node: &NodeEnum, inside: Option<Often>, calls: &mut Vec<ConditionCall>) {
    match node {
        NodeEnum::FuncCall(call) => {
            let takes_column =
                call.args.iter().filter_map(|arg| arg.node.as_ref()).any(names_column);
            let alone = if takes_column { Often::PerRow } else { Often::PerRowAlike };
            calls.extend(named(call, inside.unwrap_or(alone)));
            children(node, &mut |child| visit(child, inside, calls));
        }
        NodeEnum::SubLink(sub) => {
            if let Some(test) = sub.testexpr.as_ref().and_then(|test| test.node.as_ref()) {
                visit(test, inside, calls);
            }
            if let Some(query) = sub.subselect.as_ref().and_then(|query| query.node.as_ref()) {
                visit(query, Some(inside.unwrap_or(Often::InSubquery)), calls);
            }
        }
        NodeEnum::SelectStmt(select) => {
            let mut refers = !select.from_clause.is_empty() || select.larg.is_some();
            of_select(select, &mut |child| refers |= names_column(child));
            let often = if refers { Often::InSubquery } else { Often::Once };
            of_select(select, &mut |child| visit(child, Some(often), calls));
        }
        _ => children(node, &mut |child| visit(child, inside, calls)),
    }
}

fn named(call: &FuncCall, often: Often) -> Option<ConditionCall> {
    let parts = call.funcname.iter().filter_map(|part| match &part.node {
        Some(NodeEnum::String(text)) => Some(text.sval.clone()),
        _ => None,
    });
    let mut parts: Vec<String> = parts.collect();
    let name = parts.pop()?;
    let start = usize::try_from(call.location).ok()?;
    Some(ConditionCall { schema: parts.pop(), name, often, place: start..start })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(condition: &str) -> String {
        let calls = condition_calls(condition).unwrap();
        let calls = calls.iter().map(|call| format!("{} {:?}", call.name, call.often));
        calls.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_wrapped_call_is_made_once() {
        assert_eq!(calls("(owner = auth.uid())"), "uid PerRowAlike");
        assert_eq!(calls("(owner = ( SELECT auth.uid() AS uid))"), "uid Once");
        assert_eq!(calls("may_see(id)"), "may_see PerRow");
        assert_eq!(
            calls("(a = lower(current_setting('x'::text, true)))"),
            "lower PerRowAlike, current_setting PerRowAlike"
        );
        assert_eq!(calls("(owner = CURRENT_USER)"), "");
    }

    #[test]
    fn subqueries_with_tables_or_columns_of_the_row_are_told_apart() {
        assert_eq!(
            calls("(team IN ( SELECT m.team FROM members m WHERE (m.who = auth.uid())))"),
            "uid InSubquery"
        );
        assert_eq!(
            calls(
                "(team IN ( SELECT m.team FROM members m WHERE (m.who = ( SELECT auth.uid() AS uid))))"
            ),
            "uid Once"
        );
        assert_eq!(calls("( SELECT may_see(t.id) AS may_see)"), "may_see InSubquery");
        assert_eq!(
            calls("((random() < 2) AND (( SELECT clock_timestamp() AS c) IS NOT NULL))"),
            "random PerRowAlike, clock_timestamp Once"
        );
    }

    #[test]
    fn calls_are_wrapped_where_they_stand() {
        let wrapped = |condition| wrap_calls(condition, |call| call.often == Often::PerRowAlike);
        assert_eq!(
            wrapped("(owner = auth.uid())").as_deref(),
            Some("(owner = (SELECT auth.uid()))")
        );
        assert_eq!(
            wrapped("((a = lower(f(')'::text))) OR (\"é)\" = f('x'::text)))").as_deref(),
            Some("((a = (SELECT lower(f(')'::text)))) OR (\"é)\" = (SELECT f('x'::text))))")
        );
        assert_eq!(wrapped("(a = b)").as_deref(), Some("(a = b)"));
        assert_eq!(wrapped("(a = "), None);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        assert!(condition_calls("(a = ").is_err());
    }
}
