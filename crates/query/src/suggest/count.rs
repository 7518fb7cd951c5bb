//! `SELECT count(*) FROM t`.

use dbvitals_model::words;
use pg_query::{NodeEnum, protobuf::FuncCall};

use super::{Said, look::Look, query::Query};
use crate::rewrite::shape::{constant, function_name, inner};

/// Rows that are counted without a word.
const COUNTED: f64 = 100_000.0;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        said.extend(one(look, query));
    }
}

fn one(look: &Look<'_>, query: &Query<'_>) -> Option<Said> {
    let select = query.select()?;
    let (relation, _) = query.only_table()?;
    if select.where_clause.is_some()
        || !select.group_clause.is_empty()
        || select.having_clause.is_some()
    {
        return None;
    }
    let [only] = select.target_list.as_slice() else { return None };
    let NodeEnum::ResTarget(target) = inner(Some(only))? else { return None };
    let NodeEnum::FuncCall(call) = inner(target.val.as_deref())? else { return None };
    let table = look.table(relation).filter(|table| table.rows() >= COUNTED)?;
    if !counts_all(call) || table.relation.row_security {
        return None;
    }
    let name = look.name(relation).replace('\'', "''");
    let analysed = table.relation.row_estimate >= 0.0 || !table.parts.is_empty();
    let text = if table.parts.is_empty() {
        format!("SELECT reltuples::bigint AS estimate FROM pg_class WHERE oid = '{name}'::regclass")
    } else if table.relation.kind == "p" {
        format!(
            "SELECT sum(greatest(c.reltuples, 0))::bigint AS estimate FROM pg_partition_tree('{name}') AS t \
             JOIN pg_class AS c ON c.oid = t.relid WHERE t.isleaf"
        )
    } else {
        String::new()
    };
    let changed = table.relation.modified_since_analyze;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let since = if changed > 0 && table.parts.is_empty() {
        format!(" ({} rows have changed since)", words::count(changed as f64))
    } else {
        String::new()
    };
    Some(Said {
        at: call.location,
        why: format!(
            "All of {}, or of its smallest index, is read each time: no number of rows is kept, since each transaction \
             sees its own.",
            look.sized(relation)
        ),
        instead: "Where about so many will do, ask for the planner's own number; where whether there is any, EXISTS; where it \
                  must be exact and often, keep a counter by trigger."
            .to_owned(),
        changes: format!("It is the number as of the last VACUUM or ANALYZE{since}."),
        text: (analysed && !text.is_empty()).then_some(text),
        ..Said::default()
    })
}

/// `count(*)`, `count(1)`.
fn counts_all(call: &FuncCall) -> bool {
    let of_constant = || {
        call.args.len() == 1
            && inner(call.args.first()).is_some_and(|node| constant(node).is_some())
    };
    function_name(call) == Some("count")
        && call.over.is_none()
        && call.agg_filter.is_none()
        && !call.agg_distinct
        && (call.agg_star || of_constant())
}
