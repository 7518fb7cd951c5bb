//! `character(n)`, compared where its blanks matter.

use dbvitals_model::{Fix, FixKind, pg::schema::Column};
use pg_query::{NodeEnum, protobuf::AExprKind};

use super::{
    Said,
    look::{Found, Look, literal},
    made::type_name,
    query::Query,
};
use crate::{lint::name::quoted, rewrite::shape::inner, role::condition::text_of};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = node else { return None };
    let (left, right) = (inner(e.lexpr.as_deref())?, inner(e.rexpr.as_deref())?);
    let is = |kind: AExprKind| e.kind == kind as i32;
    let (found, why) = if is(AExprKind::AexprLike) || is(AExprKind::AexprIlike) {
        let found = padded(look, query, left)?;
        let pattern = literal(right).filter(|pattern| !pattern.ends_with('%'))?;
        let name = text_of(left)?;
        let why = format!(
            "{name} is {}: shorter values are stored with blanks behind them, and a pattern sees those: '{pattern}' finds \
             values of full length alone.",
            type_of(found.column?)
        );
        (found, why)
    } else if is(AExprKind::AexprOp) {
        let (found, other) = [(left, right), (right, left)]
            .into_iter()
            .find_map(|(side, other)| Some((cast_to_text(look, query, side, other)?, other)))?;
        let why = format!(
            "{} is {}, and {} is compared as text: blanks behind it are cut off, and no index on it serves the comparison.",
            found.name,
            type_of(found.column?),
            text_of(other).map_or_else(|| "it".to_owned(), |other| format!("with {other} it"))
        );
        (found, why)
    } else {
        return None;
    };
    Some(Said {
        at: e.location,
        why,
        instead: "character(n) saves nothing over text; make the column text, with a CHECK on its length where that matters."
            .to_owned(),
        changes: "Values lose the blanks behind them: they compare, and are as long, as they were written.".to_owned(),
        fix: fix(look, &found),
        ..Said::default()
    })
}

/// The column, where it is `character(n)` with room for blanks.
fn padded<'a>(look: &Look<'a>, query: &Query<'a>, node: &NodeEnum) -> Option<Found<'a>> {
    let found = look.column(query, node)?;
    let column = found.column?;
    (column.type_id == "bpchar" && column.type_name != "character(1)").then_some(found)
}

/// The column, where it is compared as text: by a cast, or with a column that is text.
fn cast_to_text<'a>(
    look: &Look<'a>,
    query: &Query<'a>,
    side: &NodeEnum,
    other: &NodeEnum,
) -> Option<Found<'a>> {
    if let NodeEnum::TypeCast(cast) = side {
        let name = cast.type_name.as_ref().and_then(|name| type_name(&name.names));
        let is_text = matches!(name, Some("text" | "varchar"));
        return padded(look, query, inner(cast.arg.as_deref())?).filter(|_| is_text);
    }
    let its = look.column(query, other)?.column?;
    padded(look, query, side).filter(|_| ["text", "varchar"].contains(&its.type_id.as_str()))
}

fn type_of(column: &Column) -> &str {
    &column.type_name
}

fn fix(look: &Look<'_>, found: &Found<'_>) -> Option<Fix> {
    let (table, column) = (look.name(found.relation), quoted(&found.name));
    let to =
        |type_name: &str| format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE {type_name};");
    Some(
        Fix::new(FixKind::Review, [to("text")])
            .locking(
                "AccessExclusiveLock",
                format!("reads and writes of {table} while it is rewritten"),
            )
            .undone_by([to(type_of(found.column?))]),
    )
}
