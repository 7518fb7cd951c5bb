//! `x = 1 OR x = 2` → `x IN (1, 2)`; long lists → `= ANY ($n)`.

use pg_query::{
    Node, NodeEnum,
    protobuf::{AExprKind, BoolExprType},
};

use super::{
    Told,
    below::deep,
    glance::Glance,
    shape::{Constant, as_column, comparison, condition, constant, inner, node as wrapped},
    walk::Place,
};

/// From so many elements on a list is better an array.
const LONG: usize = 100;

/// What may stand in a list together: constants of one kind have one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Parameter,
}

fn kind(value: &NodeEnum) -> Option<Kind> {
    match value {
        NodeEnum::ParamRef(_) => Some(Kind::Parameter),
        _ => match constant(value)? {
            Constant::Integer(_) => Some(Kind::Integer),
            Constant::Text(_) => Some(Kind::Text),
            Constant::Truth(_) => None,
        },
    }
}

/// An `OR`.
pub(super) fn concerns_or(at: Glance<'_>) -> bool {
    matches!(at.other(), Some(NodeEnum::BoolExpr(any)) if any.boolop == BoolExprType::OrExpr as i32)
}

/// A long list.
pub(super) fn concerns_list(at: Glance<'_>) -> bool {
    let Some(NodeEnum::AExpr(e)) = at.other() else { return false };
    matches!(inner(e.rexpr.as_deref()), Some(NodeEnum::List(list)) if list.items.len() > LONG)
}

pub(super) fn ors(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::BoolExpr(any) = &*node else { return None };
    if any.boolop != BoolExprType::OrExpr as i32 {
        return None;
    }
    let (mut column, mut kinds, mut values) = (None, None, Vec::new());
    for arm in &any.args {
        let (left, op, right) = comparison(inner(Some(arm))?, |side| as_column(side).is_some())?;
        let name = &as_column(left)?.fields;
        let same = column.get_or_insert((left, name)).1 == name;
        let alike = *kinds.get_or_insert(kind(right)?) == kind(right)?;
        if op != "=" || !same || !alike {
            return None;
        }
        values.push(wrapped(right.clone()));
    }
    let left = column?.0.clone();
    // Parameters of a list must agree in type; with a plain column they all take its own.
    if kinds == Some(Kind::Parameter) {
        let known = place.column(&left)?;
        if !PLAIN_TYPES.contains(&known.column.type_name.as_str()) {
            return None;
        }
    }
    let known = place.column(&left);
    let mut made = condition("_0 IN (1, 2)", &[left])?;
    set_list(&mut made, values);
    *node = made;
    let same = "IN is defined as these comparisons joined by OR, for NULL as well";
    match known.as_ref().map(|known| known.column.type_name.as_str()) {
        // A list takes the column's 4 bytes, one comparison alone 8.
        Some("real") => Some(Told::suggestion(
            "an integer that has more digits than a real can hold equals other values in a list",
        )),
        None if kinds == Some(Kind::Integer) => Some(
            Told::suggestion("the rows are the same unless the column is of type real")
                .needing("the type of the column"),
        ),
        _ => Some(Told::equivalent(same)),
    }
}

/// Types whose parameters take the type of the column beside them.
const PLAIN_TYPES: &[&str] = &["bigint", "boolean", "date", "integer", "smallint", "text", "uuid"];

fn set_list(made: &mut NodeEnum, values: Vec<Node>) {
    if let NodeEnum::AExpr(e) = made
        && let Some(NodeEnum::List(list)) = e.rexpr.as_mut().and_then(|node| node.node.as_mut())
    {
        list.items = values;
    }
}

pub(super) fn long_list(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    // The parameter's number must be new to the whole statement.
    if !place.is_root
        || !matches!(
            node,
            NodeEnum::SelectStmt(_)
                | NodeEnum::DeleteStmt(_)
                | NodeEnum::UpdateStmt(_)
                | NodeEnum::InsertStmt(_)
                | NodeEnum::MergeStmt(_)
        )
    {
        return None;
    }
    let mut highest = 0;
    let mut found = 0;
    deep(node, &mut |inside| {
        if let NodeEnum::ParamRef(parameter) = inside {
            highest = highest.max(parameter.number);
        }
    });
    deep(node, &mut |inside| {
        if let Some(made) = array(inside, highest + 1) {
            *inside = made;
            highest += 1;
            found += 1;
        }
    });
    (found > 0).then(|| {
        Told::suggestion(
            "the result stays the same, but the program hands over one array instead of writing the elements into the text",
        )
    })
}

fn array(node: &NodeEnum, number: i32) -> Option<NodeEnum> {
    let NodeEnum::AExpr(e) = node else { return None };
    let NodeEnum::List(list) = inner(e.rexpr.as_deref())? else { return None };
    if e.kind != AExprKind::AexprIn as i32 || list.items.len() <= LONG {
        return None;
    }
    let first = kind(inner(list.items.first())?)?;
    let alike = list.items.iter().all(|item| inner(Some(item)).and_then(kind) == Some(first));
    if first == Kind::Parameter || !alike {
        return None;
    }
    let is_in = matches!(inner(e.name.first())?, NodeEnum::String(op) if op.sval == "=");
    let left = inner(e.lexpr.as_deref())?.clone();
    let template =
        if is_in { format!("_0 = ANY (${number})") } else { format!("_0 <> ALL (${number})") };
    condition(&template, &[left])
}
