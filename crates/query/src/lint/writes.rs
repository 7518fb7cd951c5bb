//! Rows written by a script.

use pg_query::{NodeEnum, protobuf::UpdateStmt};

use super::{
    lock,
    name::{inner, quoted, range},
    walk::Look,
};

pub(super) fn rules(look: &mut Look<'_>) {
    match look.node {
        NodeEnum::UpdateStmt(update) => {
            twice(look, update);
            let Some(table) = update.relation.as_ref() else { return };
            let all = update.where_clause.is_none() && update.from_clause.is_empty();
            if all && !look.is_new(&lock::table(table)) {
                look.say(
                    "update-without-where",
                    -1,
                    format!(
                        "Every row of {} is written anew in one transaction, which keeps their locks, and the old \
                         versions, until it ends.",
                        range(Some(table))
                    ),
                    "Update by ranges of the key, a few thousand rows in each transaction; say WHERE true if all at \
                     once is meant.",
                    None,
                );
            }
        }
        NodeEnum::DeleteStmt(delete) => {
            let Some(table) = delete.relation.as_ref() else { return };
            let all = delete.where_clause.is_none() && delete.using_clause.is_empty();
            if all && !look.is_new(&lock::table(table)) {
                look.say(
                    "delete-without-where",
                    -1,
                    format!("Every row of {} is deleted.", range(Some(table))),
                    "Say which rows; for all, TRUNCATE is quicker and leaves no dead rows. Say WHERE true if this is \
                     meant.",
                    None,
                );
            }
        }
        _ => {}
    }
}

fn twice(look: &mut Look<'_>, update: &UpdateStmt) {
    let mut seen: Vec<&str> = Vec::new();
    let mut found = None;
    for target in &update.target_list {
        let Some(NodeEnum::ResTarget(target)) = inner(Some(target)) else { continue };
        if seen.contains(&target.name.as_str()) && target.indirection.is_empty() {
            found.get_or_insert((target.name.clone(), target.location));
        }
        seen.push(&target.name);
    }
    if let Some((name, at)) = found {
        look.say(
            "ban-duplicate-column-assignments",
            at,
            format!("The server refuses to set {} twice in one statement.", quoted(&name)),
            "Keep one of the two.",
            None,
        );
    }
}
