//! Pieces of trees: recognised, and made from texts.

use pg_query::{
    Node, NodeEnum,
    protobuf::{AExprKind, BoolExprType, ColumnRef, FuncCall, SelectStmt, SetOperation, a_const},
};

use super::{
    below,
    scope::{Catalogue, Volatility, parts},
};
use crate::{
    call,
    tree::{children, deep},
};

pub(crate) fn inner(node: Option<&Node>) -> Option<&NodeEnum> {
    node.and_then(|node| node.node.as_ref())
}

pub(crate) fn node(inside: NodeEnum) -> Node {
    Node { node: Some(inside) }
}

pub(crate) fn boxed(inside: NodeEnum) -> Box<Node> {
    Box::new(node(inside))
}

/// A condition from a text in which `_0`, `_1` … stand for these nodes.
pub(crate) fn condition(text: &str, nodes: &[NodeEnum]) -> Option<NodeEnum> {
    query(&format!("SELECT 1 WHERE {text}"), nodes)?.where_clause?.node
}

/// A query from a text in which `_0`, `_1` … stand for these nodes. Trees are only ever made by parsing: the library
/// ends the process on one that no text could have given.
pub(super) fn query(text: &str, nodes: &[NodeEnum]) -> Option<Box<SelectStmt>> {
    let parsed = pg_query::parse(text, 0).ok()?.protobuf;
    let mut made = parsed.stmts.into_iter().next()?.stmt?.node?;
    below::deep(&mut made, &mut |node| fill(node, nodes));
    match made {
        NodeEnum::SelectStmt(select) => Some(select),
        _ => None,
    }
}

fn fill(made: &mut NodeEnum, nodes: &[NodeEnum]) {
    let wanted = match made {
        NodeEnum::ColumnRef(column) => match parts(column).as_deref() {
            Some([name]) => name.strip_prefix('_').and_then(|n| n.parse::<usize>().ok()),
            _ => None,
        },
        _ => None,
    };
    if let Some(node) = wanted.and_then(|place| nodes.get(place)) {
        *made = node.clone();
    }
}

/// A column by its name, as a node.
pub(crate) fn column(alias: &str, name: &str) -> Option<NodeEnum> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    condition(&format!("{}.{}", quoted(alias), quoted(name)), &[])
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Constant {
    Integer(i32),
    Text(String),
    Truth(bool),
}

pub(crate) fn constant(node: &NodeEnum) -> Option<Constant> {
    match node {
        NodeEnum::AConst(value) if !value.isnull => match value.val.as_ref()? {
            a_const::Val::Ival(n) => Some(Constant::Integer(n.ival)),
            a_const::Val::Sval(text) => Some(Constant::Text(text.sval.clone())),
            a_const::Val::Boolval(truth) => Some(Constant::Truth(truth.boolval)),
            _ => None,
        },
        // A minus before a number is an operator of its own.
        NodeEnum::AExpr(e) if e.lexpr.is_none() && operator(node) == Some("-") => {
            match constant(inner(e.rexpr.as_deref())?)? {
                Constant::Integer(n) => n.checked_neg().map(Constant::Integer),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The operator of a plain operator expression, unqualified.
pub(crate) fn operator(node: &NodeEnum) -> Option<&str> {
    match node {
        NodeEnum::AExpr(e) if e.kind == AExprKind::AexprOp as i32 => match e.name.as_slice() {
            [name] => match name.node.as_ref()? {
                NodeEnum::String(name) => Some(&name.sval),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The sides of a comparison and its operator, with what `wanted` is true of on the left.
pub(crate) fn comparison(
    node: &NodeEnum,
    wanted: impl Fn(&NodeEnum) -> bool,
) -> Option<(&NodeEnum, &'static str, &NodeEnum)> {
    let NodeEnum::AExpr(e) = node else { return None };
    let (left, right) = (inner(e.lexpr.as_deref())?, inner(e.rexpr.as_deref())?);
    let straight = [("=", "="), ("<", ">"), ("<=", ">="), (">", "<"), (">=", "<="), ("<>", "<>")];
    let (op, turned) = *straight.iter().find(|(op, _)| Some(*op) == operator(node))?;
    if wanted(left) {
        Some((left, op, right))
    } else if wanted(right) {
        Some((right, turned, left))
    } else {
        None
    }
}

pub(crate) fn as_column(node: &NodeEnum) -> Option<&ColumnRef> {
    match node {
        NodeEnum::ColumnRef(column) => Some(column),
        _ => None,
    }
}

/// The unqualified name of a function that is PostgreSQL's own, or found by the search path.
pub(crate) fn function_name(call: &FuncCall) -> Option<&str> {
    let mut names = call.funcname.iter().rev().filter_map(|node| match node.node.as_ref()? {
        NodeEnum::String(name) => Some(name.sval.as_str()),
        _ => None,
    });
    let name = names.next()?;
    names.next().is_none_or(|schema| schema == "pg_catalog").then_some(name)
}

/// A `SELECT` of one arm, without anything that draws rows together or limits them; `DISTINCT` may be there.
pub(super) fn is_plain(select: &SelectStmt) -> bool {
    select.op == SetOperation::SetopNone as i32
        && select.values_lists.is_empty()
        && select.group_clause.is_empty()
        && select.having_clause.is_none()
        && select.window_clause.is_empty()
        && select.limit_count.is_none()
        && select.limit_offset.is_none()
        && select.locking_clause.is_empty()
        && select.with_clause.is_none()
        && select.into_clause.is_none()
        && !select.target_list.iter().any(|target| inner(Some(target)).is_some_and(draws_together))
}

/// Whether an aggregate, a window or a function that yields rows may stand in an expression, subqueries apart.
pub(crate) fn draws_together(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::SubLink(_) => false,
        NodeEnum::FuncCall(call) if call.over.is_some() || call::is_aggregate(call) => true,
        _ => {
            let mut found = false;
            children(node, &mut |child| found |= draws_together(child));
            found
        }
    }
}

/// Functions of PostgreSQL that yield one value and hold still within a statement.
const STEADY: &[&str] = &[
    "abs",
    "avg",
    "bool_and",
    "bool_or",
    "btrim",
    "count",
    "date_part",
    "date_trunc",
    "every",
    "extract",
    "length",
    "lower",
    "max",
    "min",
    "now",
    "round",
    "sum",
    "upper",
];

/// Whether anything below calls a function that is not known to be steady.
pub(super) fn may_be_volatile(node: &NodeEnum, catalogue: &dyn Catalogue) -> bool {
    let mut found = false;
    deep(node, &mut |below| found |= is_unsteady(below, catalogue));
    found
}

fn is_unsteady(node: &NodeEnum, catalogue: &dyn Catalogue) -> bool {
    matches!(node, NodeEnum::FuncCall(call) if !is_steady(call, catalogue))
}

/// Whether a function is known to yield the same for the same arguments throughout a statement.
pub(crate) fn is_steady(call: &FuncCall, catalogue: &dyn Catalogue) -> bool {
    function_name(call).is_some_and(|name| {
        let known = catalogue.volatility(name);
        STEADY.contains(&name) || matches!(known, Some(Volatility::Immutable | Volatility::Stable))
    })
}

/// Whether something a query shows may yield several rows: any call that is not known to yield one value.
pub(super) fn calls_sets(select: &SelectStmt) -> bool {
    fn calls(node: &NodeEnum) -> bool {
        let own = match node {
            NodeEnum::SubLink(_) => return false,
            NodeEnum::FuncCall(call) => {
                !call::is_aggregate(call)
                    && !function_name(call).is_some_and(|name| STEADY.contains(&name))
            }
            _ => false,
        };
        let mut found = own;
        children(node, &mut |child| found |= calls(child));
        found
    }
    select.target_list.iter().any(|target| inner(Some(target)).is_some_and(calls))
}

/// Whether a value of one type equals at most one of the other: integers of different lengths do, integers and floating
/// point do not.
pub(super) fn compares_exactly(left: &str, right: &str) -> bool {
    const INTEGERS: &[&str] = &["bigint", "integer", "smallint"];
    left == right || (INTEGERS.contains(&left) && INTEGERS.contains(&right))
}

/// Puts a condition beside the one that is there.
pub(crate) fn and(there: &mut Option<Box<Node>>, more: NodeEnum) {
    let old = there.take().and_then(|node| node.node);
    *there = match old {
        None => Some(boxed(more)),
        Some(old) => condition("_0 AND _1", &[old, more]).map(|both| boxed(flat(both))),
    };
}

/// `(a AND b) AND c` as `a AND b AND c`, which is how the parser has it.
fn flat(both: NodeEnum) -> NodeEnum {
    let NodeEnum::BoolExpr(mut all) = both else { return both };
    let mut args = Vec::new();
    for arg in std::mem::take(&mut all.args) {
        match arg.node {
            Some(NodeEnum::BoolExpr(part)) if part.boolop == BoolExprType::AndExpr as i32 => {
                args.extend(part.args);
            }
            other => args.push(Node { node: other }),
        }
    }
    all.args = args;
    NodeEnum::BoolExpr(all)
}
