//! What keeps the planner from looking into a query, and does nothing else: `MATERIALIZED`, `OFFSET 0`.

use pg_query::{
    NodeEnum,
    protobuf::{CommonTableExpr, CteMaterialize, LimitOption, SelectStmt},
};

use super::{
    Told,
    below::{deep, with_clause_mut},
    glance::Glance,
    shape::{Constant, constant, inner, may_be_volatile},
    walk::Place,
};
use crate::tree;

/// `MATERIALIZED`.
pub(super) fn concerns_materialized(at: Glance<'_>) -> bool {
    at.with_clause().into_iter().flat_map(|with| &with.ctes).any(|cte| {
        matches!(inner(Some(cte)), Some(NodeEnum::CommonTableExpr(cte)) if is_materialized(cte))
    })
}

fn is_materialized(cte: &CommonTableExpr) -> bool {
    cte.ctematerialized == CteMaterialize::Always as i32
}

pub(super) fn materialized(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let whole = node.clone();
    let with = with_clause_mut(node)?;
    let mut names = Vec::new();
    for cte in &mut with.ctes {
        let Some(NodeEnum::CommonTableExpr(cte)) = cte.node.as_mut() else { continue };
        if is_needless(cte, &whole, place) {
            cte.ctematerialized = CteMaterialize::Default as i32;
            names.push(cte.ctename.clone());
        }
    }
    (!names.is_empty()).then(|| {
        Told::equivalent(format!(
            "{} is used once, only reads and calls nothing volatile, so it yields the same rows wherever it is computed",
            names.join(", ")
        ))
    })
}

/// Whether a common table expression is kept apart though it is used once, and could as well stand where it is used.
fn is_needless(cte: &CommonTableExpr, statement: &NodeEnum, place: &Place<'_>) -> bool {
    let is_told = is_materialized(cte) && cte.search_clause.is_none() && cte.cycle_clause.is_none();
    let Some(query @ NodeEnum::SelectStmt(_)) = inner(cte.ctequery.as_deref()) else {
        return false;
    };
    is_told
        && uses(statement, &cte.ctename) == 1
        && uses(query, &cte.ctename) == 0
        && !locks(query)
        && !may_be_volatile(query, place.catalogue)
}

/// How often something of that name is read.
fn uses(node: &NodeEnum, name: &str) -> usize {
    let mut found = 0;
    tree::deep(node, &mut |below| {
        if let NodeEnum::RangeVar(range) = below {
            found += usize::from(range.relname == name && range.schemaname.is_empty());
        }
    });
    found
}

/// Whether a query, or one inside of it, locks rows.
fn locks(query: &NodeEnum) -> bool {
    fn of(select: &SelectStmt) -> bool {
        let arms = [&select.larg, &select.rarg];
        !select.locking_clause.is_empty() || arms.into_iter().flatten().any(|arm| of(arm))
    }
    let mut found = false;
    deep(&mut query.clone(), &mut |below| {
        if let NodeEnum::SelectStmt(select) = below {
            found |= of(select);
        }
    });
    found
}

/// `OFFSET 0`, `LIMIT ALL`.
pub(super) fn concerns_offset(at: Glance<'_>) -> bool {
    at.query().is_some_and(|select| skips_none(select) || limits_none(select))
}

fn skips_none(select: &SelectStmt) -> bool {
    let offset = inner(select.limit_offset.as_deref());
    offset.is_some_and(|node| constant(node) == Some(Constant::Integer(0)))
}

fn limits_none(select: &SelectStmt) -> bool {
    let limit = inner(select.limit_count.as_deref());
    limit.is_some_and(|node| matches!(node, NodeEnum::AConst(value) if value.isnull))
}

pub(super) fn offset(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::SelectStmt(select) = node else { return None };
    let (skips_none, limits_none) = (skips_none(select), limits_none(select));
    if !skips_none && !limits_none {
        return None;
    }
    if skips_none {
        select.limit_offset = None;
    }
    if limits_none {
        select.limit_count = None;
    }
    if select.limit_count.is_none() && select.limit_offset.is_none() {
        select.limit_option = LimitOption::Default as i32;
    }
    let told = Told::equivalent("the first row is row 0, and no limit is none");
    Some(if place.is_root {
        told
    } else {
        Told::suggestion(
            "the rows stay the same, but in a subquery this also keeps the planner from merging it with the query around it, which may be what it was put there for",
        )
    })
}
