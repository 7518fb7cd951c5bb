//! `NOT IN (SELECT …)` where either side may be NULL.

use dbvitals_model::words;
use pg_query::{NodeEnum, protobuf::NullTestType};

use super::{Said, look::Look, query::Query};
use crate::{
    rewrite::{
        not_in::negated,
        shape::{constant, inner},
    },
    role::condition::text_of,
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let sub = negated(node)?;
    let NodeEnum::SelectStmt(select) = inner(sub.subselect.as_deref())? else { return None };
    let inside = look.queries.iter().find(
        |other| matches!(other.kind, super::query::Kind::Select(it) if std::ptr::eq(it, select.as_ref())),
    )?;
    inside.select()?;
    let outer = inner(sub.testexpr.as_deref())?;
    let shown = match select.target_list.as_slice() {
        [only] => match inner(Some(only))? {
            NodeEnum::ResTarget(target) => inner(target.val.as_deref())?,
            _ => return None,
        },
        _ => return None,
    };
    let (left, right) = (nullable(look, query, outer), nullable(look, inside, shown));
    if left == Some(false) && right == Some(false) {
        return None;
    }
    if look.facts.is_known() && right != Some(true) && left != Some(true) {
        return None;
    }
    let (left_name, right_name) = (text_of(outer)?, text_of(shown)?);
    let mut needs = Vec::new();
    let why = if right == Some(true) {
        format!(
            "{right_name} may be NULL{}; with one NULL among them, the condition is true of no row.",
            nulls(look, inside, shown)
        )
    } else if left == Some(true) {
        format!("Rows whose {left_name} is NULL are left out, unless the subquery yields nothing.")
    } else {
        needs.push(format!("whether {left_name} or {right_name} may be NULL"));
        format!(
            "If {right_name} may be NULL, one NULL among them makes the condition true of no row."
        )
    };
    Some(Said {
        at: sub.location,
        why,
        instead: "Write NOT EXISTS (SELECT 1 … WHERE the two are equal), which can be planned as an anti join, or say \
                  IS NOT NULL in the subquery."
            .to_owned(),
        changes: "Rows without a match are found whatever is NULL.".to_owned(),
        needs,
        ..Said::default()
    })
}

/// Whether an expression may be NULL where a query shows or compares it; `None` where that cannot be told.
fn nullable<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<bool> {
    match node {
        NodeEnum::ColumnRef(_) => {
            let found = look.column(query, node)?;
            if query.conjuncts().into_iter().any(|part| rules_out_null(look, query, part, &found)) {
                return Some(false);
            }
            let is_padded = query.sources.iter().any(|source| {
                source.is_padded
                    && matches!(source.is, super::query::Is::Table(place, _) if place == found.relation)
            });
            found.column.map(|column| is_padded || !column.is_not_null)
        }
        NodeEnum::TypeCast(cast) => nullable(look, query, inner(cast.arg.as_deref())?),
        NodeEnum::AConst(value) => Some(value.isnull),
        NodeEnum::CoalesceExpr(coalesce) => {
            inner(coalesce.args.last()).and_then(constant).map(|_| false)
        }
        _ => None,
    }
}

/// Whether a part of a condition is true of no row whose column is NULL.
fn rules_out_null<'a>(
    look: &Look<'a>,
    query: &Query<'a>,
    part: &'a NodeEnum,
    column: &super::look::Found<'a>,
) -> bool {
    let is_it = |node: Option<&'a NodeEnum>| {
        node.and_then(|node| look.column(query, node))
            .is_some_and(|found| found.relation == column.relation && found.name == column.name)
    };
    match part {
        NodeEnum::NullTest(test) => {
            test.nulltesttype == NullTestType::IsNotNull as i32 && is_it(inner(test.arg.as_deref()))
        }
        NodeEnum::AExpr(_) => {
            crate::rewrite::shape::operator(part)
                .is_some_and(|op| ["=", "<", "<=", ">", ">=", "<>"].contains(&op))
                && matches!(part, NodeEnum::AExpr(e) if is_it(inner(e.lexpr.as_deref())) || is_it(inner(e.rexpr.as_deref())))
        }
        _ => false,
    }
}

/// How many are NULL, by the statistics.
fn nulls<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> String {
    let Some(found) = look.column(query, node) else { return String::new() };
    let (ratio, rows) = match (found.column, look.table(found.relation)) {
        (Some(column), Some(table)) => (column.null_ratio, table.rows()),
        _ => return String::new(),
    };
    match ratio {
        Some(ratio) if ratio > 0.0 => format!(
            ", and is in about {} of {} rows by the statistics",
            words::count((ratio * rows).max(1.0)),
            words::count(rows)
        ),
        Some(_) => " (in no row the statistics saw)".to_owned(),
        None => String::new(),
    }
}
