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
    Some(own(inner(target.val.as_deref())?)?.unwrap_or_else(|| NAMELESS.to_owned()))
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

/// The name an expression gives its column; the outer `None` where that is not known, the inner where it gives none.
fn own(node: &NodeEnum) -> Option<Option<String>> {
    let named = |name: &str| Some(Some(name.to_owned()));
    match node {
        NodeEnum::ColumnRef(column) => last(&column.fields).map(Some),
        NodeEnum::FuncCall(call) => last(&call.funcname).map(Some),
        NodeEnum::AExpr(e) if e.kind == AExprKind::AexprNullif as i32 => named("nullif"),
        NodeEnum::AExpr(_)
        | NodeEnum::BoolExpr(_)
        | NodeEnum::NullTest(_)
        | NodeEnum::BooleanTest(_)
        | NodeEnum::AConst(_)
        | NodeEnum::ParamRef(_) => Some(None),
        NodeEnum::CollateClause(e) => own(inner(e.arg.as_deref())?),
        NodeEnum::TypeCast(e) => match own(inner(e.arg.as_deref())?)? {
            Some(name) => Some(Some(name)),
            None => last(&e.type_name.as_ref()?.names).map(Some),
        },
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
                return Some(None);
            }
            let NodeEnum::SelectStmt(mut select) = inner(sub.subselect.as_deref())?.clone() else {
                return None;
            };
            while let Some(arm) = select.larg.take() {
                select = arm;
            }
            of_target(inner(select.target_list.first())?).map(Some)
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
