//! `IN` with a long list.

use dbvitals_model::words;
use pg_query::{NodeEnum, protobuf::AExprKind};

use super::{Said, look::Look, query::each};
use crate::{rewrite::shape::inner, role::condition::text_of};

/// Elements that may be listed without a word.
const LONG: usize = 100;
/// The first version that looks elements of a list up in a table of hashes.
const HASHED: u32 = 14;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        for expression in query.expressions() {
            each(expression, &mut |node| said.extend(one(look, node)));
        }
    }
}

fn one(look: &Look<'_>, node: &NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = node else { return None };
    let NodeEnum::List(list) = inner(e.rexpr.as_deref())? else { return None };
    let count = list.items.len();
    if e.kind != AExprKind::AexprIn as i32 || count <= LONG {
        return None;
    }
    let left = inner(e.lexpr.as_deref())?;
    let name = text_of(left)?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let elements = words::count(count as f64);
    let compared = match look.facts.version {
        Some(version) if version < HASHED => {
            " Without an index, each row is compared with one element after the other."
        }
        _ => "",
    };
    Some(Said {
        at: e.location,
        why: format!(
            "{elements} elements are parsed, and estimated one by one, at every call; each length of the list is another \
             statement to a cache of plans, and to pg_stat_statements before 18.{compared}"
        ),
        instead: format!(
            "Hand over one array: {name} = ANY ($1). Where the list is most of the work, join it, which lets the planner choose: \
             JOIN unnest($1) AS list(value) ON list.value = {name}, or JOIN (VALUES (…), (…))."
        ),
        changes: "The result of = ANY stays; a join repeats rows whose value is listed twice, so list each once.".to_owned(),
        ..Said::default()
    })
}
