//! `INSERT INTO t VALUES (…)` without the names of columns.

use pg_query::{
    NodeEnum,
    protobuf::{InsertStmt, SelectStmt},
};

use super::{Said, look::Look, query::Kind};
use crate::{
    lint::name::quoted,
    rewrite::{shape::inner, whole::text},
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        if let Kind::Insert(insert) = query.kind {
            said.extend(
                query
                    .only_table()
                    .and_then(|(place, range)| one(look, insert, place, range.location)),
            );
        }
    }
}

fn one(look: &Look<'_>, insert: &InsertStmt, relation: usize, at: i32) -> Option<Said> {
    let NodeEnum::SelectStmt(source) = inner(insert.select_stmt.as_deref())? else { return None };
    if !insert.cols.is_empty() {
        return None;
    }
    let text = values(source).and_then(|count| written(look, insert, relation, count));
    Some(Said {
        at,
        why: format!(
            "The values are matched with the columns of {} by their place: a column that is added, or dropped and made anew, \
             makes the statement fail or fill the wrong one.",
            look.name(relation)
        ),
        instead: "Name the columns.".to_owned(),
        changes: "Nothing today; columns that are not named get their default.".to_owned(),
        text,
        ..Said::default()
    })
}

/// The number of values of each row; `None` where that is not plain.
fn values(source: &SelectStmt) -> Option<usize> {
    let count = |node: &pg_query::Node| match inner(Some(node)) {
        Some(NodeEnum::List(list)) => Some(list.items.len()),
        _ => None,
    };
    count(source.values_lists.first()?)
}

fn written(look: &Look<'_>, insert: &InsertStmt, relation: usize, count: usize) -> Option<String> {
    let NodeEnum::InsertStmt(root) = look.root else { return None };
    if !std::ptr::eq(root.as_ref(), insert) {
        return None;
    }
    let mut columns = look.table(relation)?.columns.clone();
    columns.sort_by_key(|column| column.number);
    let names: Vec<String> = columns.iter().take(count).map(|c| quoted(&c.name)).collect();
    if names.len() < count {
        return None;
    }
    let frame = format!("INSERT INTO t ({}) VALUES (1)", names.join(", "));
    let parsed = pg_query::parse(&frame, 0).ok()?.protobuf.stmts.into_iter().next()?.stmt?.node?;
    let NodeEnum::InsertStmt(made) = parsed else { return None };
    let mut changed = insert.clone();
    changed.cols = made.cols;
    text(&NodeEnum::InsertStmt(Box::new(changed)))
}
