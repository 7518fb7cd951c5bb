//! `doc ->> 'field' = …` → an index on the expression, or containment where a GIN index is there.

use pg_query::{
    NodeEnum,
    protobuf::{AExpr, AExprKind, a_const},
};

use super::{
    Said,
    fact::Table,
    look::{Found, Look, Size},
    made::{self, Wanted, edited, for_index, index, is_indexed, plain, type_name},
    query::Query,
};
use crate::{
    lint::name::quoted,
    rewrite::shape::{condition, inner, operator},
    role::condition::text_of,
};

/// Types a text is turned into the same way at all times.
const STEADY: &[&str] =
    &["bool", "float4", "float8", "int2", "int4", "int8", "numeric", "text", "uuid", "varchar"];

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = node else { return None };
    let is_in = e.kind == AExprKind::AexprIn as i32 && name_of(e) == Some("=");
    let is_between = e.kind == AExprKind::AexprBetween as i32;
    let compares = operator(node).is_some_and(|op| ["=", "<", "<=", ">", ">="].contains(&op));
    if !(is_in || is_between || compares) {
        return None;
    }
    let sides = [(&e.lexpr, &e.rexpr), (&e.rexpr, &e.lexpr)];
    let (side, other, found) = sides.into_iter().find_map(|(side, other)| {
        let side = inner(side.as_deref())?;
        Some((side, inner(other.as_deref())?, field(look, query, side)?))
    })?;
    let Size::Matters(table) = look.size(found.relation) else { return None };
    let is_there =
        table.is_some_and(|table| plain(side).is_some_and(|key| is_indexed(table, &key)));
    if is_there || look.is_served(query, found.relation) {
        return None;
    }
    let contained = table
        .filter(|table| operator(node) == Some("=") && has_gin(table, &found.name))
        .and_then(|_| contained(look, e, side, other));
    let element = format!("({})", for_index(side)?);
    let named = vec![found.name.clone(), key_of(side).unwrap_or_default()];
    let named = named.into_iter().filter(|part| !part.is_empty()).collect();
    let wanted =
        Wanted { relation: found.relation, method: "", element, named, before: Vec::new() };
    let mut needs = Vec::new();
    if table.is_none() {
        needs.push(format!("whether there is an index on {}", for_index(side)?));
    }
    let (instead, changes) = if contained.is_some() {
        (
            "Write it as containment, which the GIN index there is can serve; or make an index on the expression, which is \
             smaller and has statistics.",
            "Containment compares JSON values: the number 5 is not the text \"5\".",
        )
    } else {
        (
            "Make an index on the expression; ANALYZE then keeps statistics of it, too. A field every row has is better a \
             column.",
            "The result stays. Each change of the document writes the index.",
        )
    };
    Some(Said {
        at: e.location,
        why: format!(
            "{} is taken out of the document of every row of {}; the planner guesses how many match.",
            text_of(side)?,
            look.sized(found.relation)
        ),
        instead: instead.to_owned(),
        changes: changes.to_owned(),
        text: contained,
        fix: index(look, wanted),
        needs,
    })
}

fn name_of(e: &AExpr) -> Option<&str> {
    super::look::name_in(e.name.last()?)
}

/// The column whose field an expression is, bare or turned into a type that suits an index.
fn field<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Found<'a>> {
    match node {
        NodeEnum::TypeCast(cast) => {
            let name = type_name(&cast.type_name.as_ref()?.names)?;
            let inside = inner(cast.arg.as_deref())?;
            field(look, query, inside).filter(|_| STEADY.contains(&name))
        }
        NodeEnum::AExpr(e) if matches!(operator(node), Some("->>" | "#>>")) => {
            inner(e.rexpr.as_deref()).and_then(key_text)?;
            let found = document(look, query, inner(e.lexpr.as_deref())?)?;
            let is_json = |c: &dbvitals_model::pg::schema::Column| c.type_id.starts_with("json");
            found.column.is_none_or(is_json).then_some(found)
        }
        _ => None,
    }
}

fn document<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Found<'a>> {
    match node {
        NodeEnum::AExpr(e) if matches!(operator(node), Some("->" | "#>")) => {
            inner(e.rexpr.as_deref()).and_then(key_text)?;
            document(look, query, inner(e.lexpr.as_deref())?)
        }
        _ => look.column(query, node),
    }
}

/// A key or a place, written as a constant.
fn key_text(node: &NodeEnum) -> Option<String> {
    match node {
        NodeEnum::AConst(value) => match value.val.as_ref()? {
            a_const::Val::Sval(text) => Some(text.sval.clone()),
            a_const::Val::Ival(number) => Some(number.ival.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The last key, as far as it can be part of a name.
fn key_of(node: &NodeEnum) -> Option<String> {
    match node {
        NodeEnum::TypeCast(cast) => key_of(inner(cast.arg.as_deref())?),
        NodeEnum::AExpr(e) => {
            let key = inner(e.rexpr.as_deref()).and_then(key_text)?.to_ascii_lowercase();
            Some(key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect())
        }
        _ => None,
    }
}

fn has_gin(table: &Table<'_>, column: &str) -> bool {
    made::keys(table, &["gin"]).iter().flatten().any(|key| key.column.as_deref() == Some(column))
}

/// The statement with the comparison of one field as containment.
fn contained(look: &Look<'_>, e: &AExpr, side: &NodeEnum, other: &NodeEnum) -> Option<String> {
    let NodeEnum::AExpr(access) = side else { return None };
    let column = inner(access.lexpr.as_deref())?;
    if operator(side) != Some("->>") || !matches!(column, NodeEnum::ColumnRef(_)) {
        return None;
    }
    let key = inner(access.rexpr.as_deref())?;
    let (NodeEnum::AConst(key), NodeEnum::AConst(value)) = (key, other) else { return None };
    let (Some(a_const::Val::Sval(key)), Some(a_const::Val::Sval(value))) = (&key.val, &value.val)
    else {
        return None;
    };
    // What JSON or SQL would have to escape is left to a person.
    let is_simple =
        |text: &str| !text.contains(['"', '\\', '\'']) && !text.contains(char::is_control);
    if !is_simple(&key.sval) || !is_simple(&value.sval) {
        return None;
    }
    let template = format!("_0 @> '{{\"{}\": \"{}\"}}'", key.sval, value.sval);
    let better = condition(&template, std::slice::from_ref(column))?;
    edited(look.root, &mut |node| {
        if matches!(node, NodeEnum::AExpr(same) if same.location == e.location && same.kind == e.kind)
        {
            *node = better.clone();
        }
    })
}

/// A column as an index names it.
pub(super) fn as_element(found: &Found<'_>) -> String {
    quoted(&found.name)
}
