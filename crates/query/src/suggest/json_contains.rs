//! `doc @> …` → a GIN index.

use pg_query::NodeEnum;

use super::{
    Said,
    json_field::as_element,
    look::{Look, Size, literal},
    made::{self, Wanted, index, type_name},
    query::Query,
};
use crate::rewrite::shape::{inner, operator};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = node else { return None };
    let op = operator(node).filter(|op| ["@>", "?", "?|", "?&", "@@", "@?"].contains(op))?;
    let found = look.column(query, inner(e.lexpr.as_deref())?)?;
    match found.column {
        Some(column) if column.type_id != "jsonb" => return None,
        None if op != "@>" || !is_document(inner(e.rexpr.as_deref())?) => return None,
        _ => {}
    }
    let Size::Matters(table) = look.size(found.relation) else { return None };
    // jsonb_path_ops knows whole paths, and no keys by themselves.
    let wants_keys = op.starts_with('?');
    let serves = |key: &made::Key| {
        key.column.as_ref() == Some(&found.name)
            && !(wants_keys && key.class.as_deref() == Some("jsonb_path_ops"))
    };
    let is_there =
        table.is_some_and(|table| made::keys(table, &["gin"]).iter().flatten().any(serves));
    if is_there || look.is_served(query, found.relation) {
        return None;
    }
    let class = if wants_keys { "" } else { " jsonb_path_ops" };
    let wanted = Wanted {
        relation: found.relation,
        method: "gin",
        element: format!("{}{class}", as_element(&found)),
        named: vec![found.name.clone()],
        before: Vec::new(),
    };
    let mut needs = Vec::new();
    if table.is_none() {
        needs.push(format!("whether there is a GIN index on {}", found.name));
    }
    let instead = if wants_keys {
        "Make a GIN index with the default operators: only they know keys."
    } else {
        "Make a GIN index with jsonb_path_ops: for containment and paths, smaller and quicker than the default, which is \
         needed where keys are asked for by ?, ?| or ?&."
    };
    Some(Said {
        at: e.location,
        why: format!(
            "The document of every row of {} is read and searched.",
            look.sized(found.relation)
        ),
        instead: instead.to_owned(),
        changes: "The result stays. Each change of the document writes the index.".to_owned(),
        fix: index(look, wanted),
        needs,
        ..Said::default()
    })
}

/// Whether something is a JSON document by its look.
fn is_document(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::TypeCast(cast) => {
            cast.type_name.as_ref().is_some_and(|name| type_name(&name.names) == Some("jsonb"))
        }
        _ => literal(node).is_some_and(|text| text.starts_with("{\"") || text.starts_with('[')),
    }
}
