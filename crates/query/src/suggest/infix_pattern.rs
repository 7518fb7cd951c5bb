//! `LIKE '%abc%'` and `ILIKE` → a trigram index.

use pg_query::{
    NodeEnum,
    protobuf::{AExpr, AExprKind},
};

use super::{
    Said,
    look::{Found, Look, Size, literal},
    made::{self, Wanted, for_index, index, plain},
    query::Query,
};
use crate::{
    lint::name::quoted,
    rewrite::shape::{function_name, inner},
};

/// Characters in a row that a trigram index needs.
const TRIGRAM: usize = 3;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = node else { return None };
    let (left, right) = (inner(e.lexpr.as_deref())?, inner(e.rexpr.as_deref())?);
    let kind = kind_of(e)?;
    if !kind.suits(right) {
        return None;
    }
    let found = column_of(look, query, left)?;
    if let Some(column) = found.column
        && !["text", "varchar", "bpchar"].contains(&column.type_id.as_str())
    {
        return None;
    }
    let Size::Matters(table) = look.size(found.relation) else { return None };
    if look.is_served(query, found.relation) {
        return None;
    }
    let key = plain(left)?;
    if let Some(table) = table
        && made::keys(table, &["gin", "gist"]).iter().flatten().any(|own| serves(own, &found, &key))
    {
        return None;
    }
    let is_plain = matches!(left, NodeEnum::ColumnRef(_));
    let element = if is_plain { quoted(&found.name) } else { for_index(left)? };
    let extension = look.facts.extension("pg_trgm");
    let class = match extension.map(|extension| extension.schema.as_str()) {
        None | Some("public" | "pg_catalog") => "gin_trgm_ops".to_owned(),
        Some(schema) => format!("{}.gin_trgm_ops", quoted(schema)),
    };
    let before = match extension {
        Some(_) => Vec::new(),
        None => vec!["CREATE EXTENSION IF NOT EXISTS pg_trgm;".to_owned()],
    };
    let named = vec![found.name.clone(), "trgm".to_owned()];
    let element = format!("{element} {class}");
    let wanted = Wanted { relation: found.relation, method: "gin", element, named, before };
    let fix = index(look, wanted);
    let guarded = table.is_some_and(|table| table.relation.row_security);
    let mut why = format!(
        "A B-tree finds what begins with known letters; {}, so every row of {} is read.",
        kind.why(),
        look.sized(found.relation)
    );
    if guarded {
        why.push_str(
            " The table has row-level security: roles it holds for cannot use such an index, since the operator is not \
             leakproof.",
        );
    }
    let mut needs = Vec::new();
    if table.is_none() {
        needs.push("whether there is a trigram index already".to_owned());
    }
    Some(Said {
        at: e.location,
        why,
        instead: "Make a trigram index; it serves patterns of three characters in a row and more. For words of a language, \
                  a text search (tsvector) fits better."
            .to_owned(),
        changes: "The result stays. Each change of the column writes the index, which may be as large as the column."
            .to_owned(),
        fix,
        needs,
        ..Said::default()
    })
}

/// How a pattern is matched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Like,
    CaseBlind,
    Regular,
}

fn kind_of(e: &AExpr) -> Option<Kind> {
    let name = super::look::name_in(e.name.last()?)?;
    let is = |kind: AExprKind| e.kind == kind as i32;
    match name {
        "~~" if is(AExprKind::AexprLike) || is(AExprKind::AexprOp) => Some(Kind::Like),
        "~~*" if is(AExprKind::AexprIlike) || is(AExprKind::AexprOp) => Some(Kind::CaseBlind),
        "~" | "~*" if is(AExprKind::AexprOp) => Some(Kind::Regular),
        _ => None,
    }
}

impl Kind {
    /// Whether a trigram index helps with this pattern, and a B-tree does not.
    fn suits(self, pattern: &NodeEnum) -> bool {
        match (self, literal(pattern)) {
            (Self::Like, Some(text)) => text.starts_with(['%', '_']) && has_run(text),
            (Self::CaseBlind, Some(text)) => has_run(text),
            (Self::Regular, Some(text)) => !text.starts_with('^') && has_run(text),
            (Self::Like, None) => begins_with_wildcard(pattern),
            (Self::CaseBlind, None) => !matches!(pattern, NodeEnum::ColumnRef(_)),
            (Self::Regular, None) => false,
        }
    }

    fn why(self) -> &'static str {
        match self {
            Self::Like => "this pattern begins with a wildcard",
            Self::CaseBlind => "ILIKE takes either case",
            Self::Regular => "this expression may match anywhere",
        }
    }
}

/// `'%' || $1 || '%'`, `concat('%', $1)`.
fn begins_with_wildcard(pattern: &NodeEnum) -> bool {
    match pattern {
        NodeEnum::AExpr(e) if e.name.last().and_then(super::look::name_in) == Some("||") => {
            inner(e.lexpr.as_deref()).is_some_and(begins_with_wildcard)
        }
        NodeEnum::FuncCall(call) if matches!(function_name(call), Some("concat" | "format")) => {
            inner(call.args.first()).is_some_and(begins_with_wildcard)
        }
        _ => literal(pattern).is_some_and(|text| text.starts_with('%')),
    }
}

/// Whether a pattern holds enough letters or digits in a row.
fn has_run(pattern: &str) -> bool {
    let mut runs = pattern.split(|c: char| !c.is_alphanumeric());
    runs.any(|run| run.chars().count() >= TRIGRAM)
}

/// The column that is matched, by itself or folded.
fn column_of<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Found<'a>> {
    match node {
        NodeEnum::ColumnRef(_) => look.column(query, node),
        NodeEnum::FuncCall(call) if matches!(function_name(call), Some("lower" | "upper")) => {
            look.column(query, inner(call.args.first())?)
        }
        _ => None,
    }
}

fn serves(key: &made::Key, found: &Found<'_>, expression: &str) -> bool {
    let is_trigram = key.class.as_deref().is_some_and(|class| class.contains("trgm"));
    let same =
        key.column.as_ref() == Some(&found.name) || key.expression.as_deref() == Some(expression);
    is_trigram && same
}
