//! `OR` of different columns of one table.

use dbvitals_model::pg::schema::Column;
use pg_query::{
    NodeEnum,
    protobuf::{AExprKind, BoolExprType},
};

use super::{
    Said,
    look::{Found, Look, Size},
    made::indexes,
    query::Query,
};
use crate::{
    condition::{conjuncts, names_column},
    lint::name::quoted,
    rewrite::shape::{inner, operator},
};

/// A column of so few values is not searched by an index.
const FEW_VALUES: f64 = 10.0;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        for part in query.conjuncts() {
            said.extend(one(look, query, part));
        }
    }
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, part: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::BoolExpr(any) = part else { return None };
    if any.boolop != BoolExprType::OrExpr as i32 {
        return None;
    }
    let mut columns: Vec<Found<'a>> = Vec::new();
    for arm in &any.args {
        let arm = conjuncts(Some(arm)).into_iter().find_map(|part| searched(look, query, part))?;
        if columns.first().is_some_and(|first| first.relation != arm.relation) {
            return None;
        }
        if !columns.iter().any(|column| column.name == arm.name) {
            columns.push(arm);
        }
    }
    let relation = columns.first().filter(|_| columns.len() > 1)?.relation;
    let Size::Matters(table) = look.size(relation) else { return None };
    if look.is_served(query, relation)
        || columns.iter().any(|c| c.column.is_some_and(has_few_values))
    {
        return None;
    }
    let lacking: Vec<&Found<'a>> = columns
        .iter()
        .filter(|column| !table.is_some_and(|table| table.leads(&column.name)))
        .collect();
    let wanted = lacking.iter().map(|column| (quoted(&column.name), vec![column.name.clone()]));
    let fix = indexes(look, relation, "", &wanted.collect::<Vec<_>>());
    if lacking.is_empty() {
        return None;
    }
    let list = |columns: &[&Found<'a>]| {
        columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut needs = Vec::new();
    if table.is_none() {
        needs.push(format!("whether {} have indexes", list(&lacking)));
    }
    Some(Said {
        at: any.location,
        why: format!(
            "An index serves an arm of OR only if every arm has one: without one on {}, every row of {} is read.",
            list(&lacking),
            look.sized(relation)
        ),
        instead: "Make the index that is missing, and the server joins them (BitmapOr). Where rows must come in an order, \
                  with LIMIT, write each arm as a SELECT of its own with that order, and join them by UNION."
            .to_owned(),
        changes: "The result stays. UNION removes rows that are alike: show a key with them.".to_owned(),
        fix,
        needs,
        ..Said::default()
    })
}

/// The column that a comparison could find by an index.
fn searched<'a>(look: &Look<'a>, query: &Query<'a>, part: &'a NodeEnum) -> Option<Found<'a>> {
    let NodeEnum::AExpr(e) = part else { return None };
    let (left, right) = (inner(e.lexpr.as_deref())?, inner(e.rexpr.as_deref())?);
    let is = |kind: AExprKind| e.kind == kind as i32;
    let equals = e.name.first().and_then(super::look::name_in) == Some("=");
    let fits = is(AExprKind::AexprBetween)
        || ((is(AExprKind::AexprIn) || is(AExprKind::AexprOpAny)) && equals)
        || operator(part).is_some_and(|op| ["=", "<", "<=", ">", ">="].contains(&op));
    let (column, other) =
        if matches!(left, NodeEnum::ColumnRef(_)) { (left, right) } else { (right, left) };
    if !fits || names_column(other) {
        return None;
    }
    look.column(query, column)
}

fn has_few_values(column: &Column) -> bool {
    column.type_id == "bool" || column.n_distinct.is_some_and(|n| n > 0.0 && n <= FEW_VALUES)
}
