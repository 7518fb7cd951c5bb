//! `LEFT JOIN b … WHERE b.x = 1`.

use pg_query::{
    Node, NodeEnum,
    protobuf::{AExprKind, BoolExprType, JoinType, SelectStmt},
};

use super::{
    Said,
    look::Look,
    made::selected,
    query::{Is, Query},
};
use crate::{
    condition::conjuncts,
    rewrite::shape::{and, inner},
    role::condition::text_of,
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        let parts = conjuncts(query.where_clause());
        // One word for a query is enough: the first condition has undone the join already.
        said.extend(parts.into_iter().find_map(|part| one(look, query, part)));
    }
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, part: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = part else { return None };
    let strict = [
        AExprKind::AexprOp,
        AExprKind::AexprIn,
        AExprKind::AexprLike,
        AExprKind::AexprIlike,
        AExprKind::AexprBetween,
        AExprKind::AexprOpAny,
    ];
    if !strict.iter().any(|kind| e.kind == *kind as i32) {
        return None;
    }
    let mut sides = [&e.lexpr, &e.rexpr].into_iter().filter_map(|side| inner(side.as_deref()));
    let found = sides.find_map(|side| {
        let found = look.column(query, side)?;
        let joined = query.sources.iter().any(|source| {
            source.is_padded && matches!(source.is, Is::Table(place, _) if place == found.relation)
        });
        joined.then_some(found)
    })?;
    let alias = look.alias(found.relation);
    // Only a table that stands alone on the right of a LEFT JOIN has an ON of its own.
    query.joins.iter().find(|join| {
        join.jointype == JoinType::JoinLeft as i32
            && matches!(inner(join.rarg.as_deref()), Some(NodeEnum::RangeVar(table)) if is_called(table, alias))
    })?;
    let condition = text_of(part)?;
    let text = look.whole(query).and_then(|select| {
        selected(select, |changed| {
            take(changed, part)?;
            changed.from_clause.iter_mut().any(|item| put(item, alias, part)).then_some(())
        })
    });
    Some(Said {
        at: e.location,
        why: format!(
            "Where {alias} has no match its columns are NULL, and {condition} is not true of NULL: the LEFT JOIN yields what \
             JOIN would."
        ),
        instead: format!(
            "Write JOIN if that is meant; else move the condition on {alias} into its ON, as below."
        ),
        changes: format!("Rows without a match in {alias} are kept, with NULL in its columns."),
        text,
        ..Said::default()
    })
}

fn is_called(table: &pg_query::protobuf::RangeVar, alias: &str) -> bool {
    table.alias.as_ref().map_or(table.relname == alias, |it| it.aliasname == alias)
}

/// Takes a part out of `WHERE`.
fn take(select: &mut SelectStmt, part: &NodeEnum) -> Option<()> {
    let whole = select.where_clause.take()?.node?;
    if whole == *part {
        return Some(());
    }
    let NodeEnum::BoolExpr(mut all) = whole else { return None };
    if all.boolop != BoolExprType::AndExpr as i32 {
        return None;
    }
    let before = all.args.len();
    all.args.retain(|arg| inner(Some(arg)) != Some(part));
    if all.args.len() + 1 != before {
        return None;
    }
    let left = if all.args.len() == 1 { all.args.pop()?.node? } else { NodeEnum::BoolExpr(all) };
    select.where_clause = Some(Box::new(Node { node: Some(left) }));
    Some(())
}

/// Puts a part into the `ON` of a table.
fn put(item: &mut Node, alias: &str, part: &NodeEnum) -> bool {
    let Some(NodeEnum::JoinExpr(join)) = item.node.as_mut() else { return false };
    let is_it = matches!(inner(join.rarg.as_deref()), Some(NodeEnum::RangeVar(table)) if is_called(table, alias));
    if is_it && join.quals.is_some() {
        and(&mut join.quals, part.clone());
        return true;
    }
    [&mut join.larg, &mut join.rarg].into_iter().flatten().any(|side| put(side, alias, part))
}
