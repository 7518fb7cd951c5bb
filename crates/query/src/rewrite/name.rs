//! The names columns of a result have when no `AS` gives them one.

use pg_query::{
    Node, NodeEnum,
    protobuf::{AExprKind, SubLinkType},
};

use super::shape::inner;

/// What nameless columns are called.
const NAMELESS: &str = "?column?";

/// The names of a list of targets; `None` for a star and what is not known.
pub(super) fn of_targets(targets: &[Node]) -> Vec<Option<String>> {
    targets.iter().map(|target| of_target(inner(Some(target))?)).collect()
}

fn of_target(node: &NodeEnum) -> Option<String> {
    let NodeEnum::ResTarget(target) = node else { return None };
    if !target.name.is_empty() {
        return Some(target.name.clone());
    }
    own(inner(target.val.as_deref())?)
}

/// Gives targets whose names changed their old ones.
pub(super) fn keep(before: &[Option<String>], targets: &mut [Node]) {
    if before.len() != targets.len() {
        return;
    }
    let after = of_targets(targets);
    for ((old, new), target) in before.iter().zip(after).zip(targets) {
        if let (Some(old), Some(NodeEnum::ResTarget(target))) = (old, target.node.as_mut())
            && new.as_ref() != Some(old)
        {
            target.name.clone_from(old);
        }
    }
}

/// The name an expression gives its column; `None` where that is not known.
fn own(node: &NodeEnum) -> Option<String> {
    let named = |name: &str| Some(name.to_owned());
    match node {
        NodeEnum::ColumnRef(column) => last(&column.fields),
        NodeEnum::FuncCall(call) => last(&call.funcname),
        NodeEnum::AExpr(e) if e.kind == AExprKind::AexprNullif as i32 => named("nullif"),
        NodeEnum::AExpr(_)
        | NodeEnum::BoolExpr(_)
        | NodeEnum::NullTest(_)
        | NodeEnum::BooleanTest(_)
        | NodeEnum::AConst(_)
        | NodeEnum::ParamRef(_) => named(NAMELESS),
        NodeEnum::CollateClause(e) => own(inner(e.arg.as_deref())?),
        NodeEnum::TypeCast(e) => {
            let of_argument = own(inner(e.arg.as_deref())?)?;
            if of_argument == NAMELESS {
                return last(&e.type_name.as_ref()?.names);
            }
            Some(of_argument)
        }
        NodeEnum::CoalesceExpr(_) => named("coalesce"),
        NodeEnum::AArrayExpr(_) => named("array"),
        NodeEnum::RowExpr(_) => named("row"),
        NodeEnum::SubLink(sub) => {
            let is = |kind: SubLinkType| sub.sub_link_type == kind as i32;
            if is(SubLinkType::ExistsSublink) {
                return named("exists");
            }
            if is(SubLinkType::ArraySublink) {
                return named("array");
            }
            if !is(SubLinkType::ExprSublink) {
                return named(NAMELESS);
            }
            let NodeEnum::SelectStmt(mut select) = inner(sub.subselect.as_deref())?.clone() else {
                return None;
            };
            while let Some(arm) = select.larg.take() {
                select = arm;
            }
            of_target(inner(select.target_list.first())?)
        }
        _ => None,
    }
}

fn last(names: &[Node]) -> Option<String> {
    match inner(names.last())? {
        NodeEnum::String(name) => Some(name.sval.clone()),
        _ => None,
    }
}
