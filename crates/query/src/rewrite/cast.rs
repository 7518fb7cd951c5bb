//! `col::text = '7'` → `col = 7`.

use pg_query::{NodeEnum, protobuf::TypeCast};

use super::{
    Told,
    glance::Glance,
    shape::{Constant, comparison, condition, constant, inner},
    walk::Place,
};

/// A column that is cast to text.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    at.other().is_some_and(|node| as_text(node).is_some())
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let (side, op, value) = comparison(node, |side| as_text(side).is_some())?;
    let column = as_text(side)?;
    let Constant::Text(text) = constant(value)? else { return None };
    // Texts sort otherwise than numbers.
    if op != "=" && op != "<>" {
        return None;
    }
    let found = place.column(column)?;
    let fits = match found.column.type_name.as_str() {
        "smallint" => text.parse::<i16>().is_ok_and(|n| n.to_string() == text),
        "integer" => text.parse::<i32>().is_ok_and(|n| n.to_string() == text),
        "bigint" => text.parse::<i64>().is_ok_and(|n| n.to_string() == text),
        "uuid" => is_uuid(&text),
        _ => false,
    };
    if !fits {
        return None;
    }
    *node = condition(
        &format!("_0 {op} '{text}'::{}", found.column.type_name),
        std::slice::from_ref(column),
    )?;
    Some(Told::equivalent(format!(
        "{} writes the value as '{text}' and no other value so",
        found.column.type_name
    )))
}

/// The column of `col::text`.
fn as_text(node: &NodeEnum) -> Option<&NodeEnum> {
    let NodeEnum::TypeCast(cast) = node else { return None };
    let column = inner(cast.arg.as_deref())?;
    (is_text(cast) && matches!(column, NodeEnum::ColumnRef(_))).then_some(column)
}

/// `text`, and `varchar` without a length.
fn is_text(cast: &TypeCast) -> bool {
    let Some(name) = &cast.type_name else { return false };
    let last = name.names.last().and_then(|name| inner(Some(name)));
    let named = matches!(last, Some(NodeEnum::String(name)) if name.sval == "text" || name.sval == "varchar");
    named && name.typmods.is_empty() && name.array_bounds.is_empty()
}

/// A uuid as the server writes it.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}
