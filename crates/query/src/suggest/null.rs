//! `= NULL`, `<> NULL`, and NULL in a list.

use pg_query::{
    Node, NodeEnum,
    protobuf::{AExpr, AExprKind},
};

use super::{Said, look::Look, made::edited, query::each};
use crate::{
    rewrite::shape::{condition, inner, operator},
    role::condition::text_of,
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        for expression in query.expressions() {
            each(expression, &mut |node| {
                if let NodeEnum::AExpr(e) = node {
                    said.extend(with_null(look, node, e).or_else(|| in_list(look, e)));
                }
            });
        }
    }
}

fn is_null(node: Option<&Node>) -> bool {
    match inner(node) {
        Some(NodeEnum::AConst(value)) => value.isnull,
        Some(NodeEnum::TypeCast(cast)) => is_null(cast.arg.as_deref()),
        _ => false,
    }
}

fn with_null(look: &Look<'_>, node: &NodeEnum, e: &AExpr) -> Option<Said> {
    let op = operator(node).filter(|op| ["=", "<>", "<", "<=", ">", ">="].contains(op))?;
    let (left, right) = (is_null(e.lexpr.as_deref()), is_null(e.rexpr.as_deref()));
    if left == right {
        return None;
    }
    let other = inner(if left { e.rexpr.as_deref() } else { e.lexpr.as_deref() })?;
    let test = match op {
        "=" => Some("_0 IS NULL"),
        "<>" => Some("_0 IS NOT NULL"),
        _ => None,
    };
    let better = test.and_then(|test| condition(test, std::slice::from_ref(other)));
    let text = better.and_then(|better| {
        edited(look.root, &mut |node| {
            if matches!(node, NodeEnum::AExpr(same) if same.location == e.location && same.kind == e.kind) {
                *node = better.clone();
            }
        })
    });
    let name = text_of(other)?;
    Some(Said {
        at: e.location,
        why: format!(
            "{} yields NULL whatever {name} holds, and a condition takes NULL for false: no row passes.",
            text_of(node)?
        ),
        instead: match test {
            Some(_) => "Write IS NULL, or IS NOT NULL.".to_owned(),
            None => "Leave the comparison out, or compare with a value.".to_owned(),
        },
        changes: format!("Rows are found by whether {name} is NULL."),
        text,
        ..Said::default()
    })
}

fn in_list(look: &Look<'_>, e: &AExpr) -> Option<Said> {
    let NodeEnum::List(list) = inner(e.rexpr.as_deref())? else { return None };
    let count = list.items.iter().filter(|item| is_null(Some(item))).count();
    if e.kind != AExprKind::AexprIn as i32 || count == 0 || count == list.items.len() {
        return None;
    }
    let other = inner(e.lexpr.as_deref())?;
    let name = text_of(other)?;
    let is_in = super::look::name_in(e.name.first()?) == Some("=");
    let text = edited(look.root, &mut |node| {
        let NodeEnum::AExpr(same) = node else { return };
        if same.location != e.location || same.kind != e.kind {
            return;
        }
        if let Some(NodeEnum::List(list)) = same.rexpr.as_mut().and_then(|node| node.node.as_mut())
        {
            list.items.retain(|item| !is_null(Some(item)));
        }
        if is_in && let Some(both) = condition("_0 OR _1 IS NULL", &[node.clone(), other.clone()]) {
            *node = both;
        }
    });
    let (why, changes) = if is_in {
        (
            format!(
                "NULL in the list finds nothing: rows whose {name} is NULL are not among the result."
            ),
            format!(
                "Rows whose {name} is NULL are found, too; leave that arm out if they are not wanted."
            ),
        )
    } else {
        (
            "NOT IN compares with every element; with NULL the answer is never true: no row passes.".to_owned(),
            "Rows that are in no element of the list are found.".to_owned(),
        )
    };
    Some(Said {
        at: e.location,
        why,
        instead: "Take NULL out of the list, and ask for it by IS NULL or IS NOT NULL.".to_owned(),
        changes,
        text,
        ..Said::default()
    })
}
