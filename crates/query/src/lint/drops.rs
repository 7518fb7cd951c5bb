//! What is dropped, renamed, emptied or rewritten.

use pg_query::{
    NodeEnum,
    protobuf::{AlterTableType, DropBehavior, DropStmt, ObjectType, RenameStmt},
};

use super::{
    lock,
    name::{deparsed, has_option, quoted, range, written},
    walk::Look,
};

fn is_kind(kind: i32, object: ObjectType) -> bool {
    kind == object as i32
}

pub(super) fn objects(look: &mut Look<'_>, drop: &DropStmt) {
    let tables = lock::dropped(drop);
    let old = tables.iter().find(|table| !look.is_new(table));
    if is_kind(drop.remove_type, ObjectType::ObjectTable)
        && let Some(table) = old
    {
        look.say(
            "ban-drop-table",
            -1,
            format!("Programs that still name {} fail, and its rows are gone.", written(table)),
            "Stop all use first; rename it for a while, keep a backup, and drop it later.",
            None,
        );
    }
    if is_kind(drop.remove_type, ObjectType::ObjectIndex) && old.is_some() {
        if drop.concurrent && look.before.transaction.is_some() {
            look.say(
                "ban-concurrent-index-creation-in-transaction",
                -1,
                "The server refuses DROP INDEX CONCURRENTLY in a transaction.",
                "Run it on its own, after COMMIT.",
                None,
            );
        } else if !drop.concurrent {
            let one = |object: &pg_query::Node| {
                let mut better = drop.clone();
                better.concurrent = true;
                better.missing_ok |= drop.objects.len() > 1;
                better.objects = vec![object.clone()];
                deparsed(&NodeEnum::DropStmt(better))
            };
            let all: Option<Vec<String>> = drop.objects.iter().map(one).collect();
            look.say(
                "require-concurrent-index-deletion",
                -1,
                "Everybody who uses the index's table waits until the last transaction that used it has ended.",
                "Drop it CONCURRENTLY, outside of a transaction (not possible for the index of a partitioned table).",
                all.map(|all| all.join(";\n")),
            );
        }
    }
    let dropped = !tables.is_empty() && old.is_some();
    if dropped && !drop.missing_ok && look.before.is_many && look.before.transaction.is_none() {
        look.say(
            "prefer-robust-stmts",
            -1,
            "If a later statement fails, running the script again stops here: it is gone already.",
            "Write IF EXISTS.",
            None,
        );
    }
}

pub(super) fn others(look: &mut Look<'_>) {
    match look.node {
        NodeEnum::RenameStmt(stmt) => renaming(look, stmt),
        NodeEnum::DropdbStmt(stmt) => {
            let name = quoted(&stmt.dbname);
            look.say(
                "ban-drop-database",
                -1,
                format!("The database {name} and everything in it is lost."),
                "Rename it, keep a backup, and drop it by hand when nobody misses it.",
                None,
            );
            alone(look, "DROP DATABASE");
        }
        NodeEnum::CreatedbStmt(_) => alone(look, "CREATE DATABASE"),
        NodeEnum::AlterSystemStmt(_) => alone(look, "ALTER SYSTEM"),
        NodeEnum::TruncateStmt(stmt) if stmt.behavior == DropBehavior::DropCascade as i32 => {
            look.say(
                "ban-truncate-cascade",
                -1,
                "Every table that refers to this one is emptied with it, and those that refer to them.",
                "Name all tables that are to be emptied, without CASCADE.",
                None,
            );
        }
        NodeEnum::VacuumStmt(stmt) if stmt.is_vacuumcmd => {
            alone(look, "VACUUM");
            if has_option(&stmt.options, "full") {
                look.say(
                    "vacuum-full",
                    -1,
                    "Nobody can use the table until it is written anew, with room on disk for two of it.",
                    "A plain VACUUM makes the room usable again; to give it back to the system, pg_repack or \
                     pg_squeeze do so while the table is used.",
                    None,
                );
            }
        }
        NodeEnum::ClusterStmt(stmt) => {
            let new = stmt.relation.as_ref().is_some_and(|range| look.is_new(&lock::table(range)));
            if !new {
                look.say(
                    "cluster",
                    -1,
                    "Nobody can use the table until it is written anew in the order of the index.",
                    "pg_repack does so while the table is used.",
                    None,
                );
            }
        }
        NodeEnum::RefreshMatViewStmt(stmt) if !stmt.concurrent && !stmt.skip_data => {
            let new = stmt.relation.as_ref().is_some_and(|range| look.is_new(&lock::table(range)));
            if !new {
                look.say(
                    "require-concurrent-refresh",
                    -1,
                    "Nobody can read the view until it is filled again.",
                    "Refresh it CONCURRENTLY; it needs a unique index on columns, over all rows, and must have been \
                     filled before.",
                    Some(format!(
                        "REFRESH MATERIALIZED VIEW CONCURRENTLY {}",
                        range(stmt.relation.as_ref())
                    )),
                );
            }
        }
        _ => {}
    }
}

fn alone(look: &mut Look<'_>, what: &str) {
    if look.before.transaction.is_some() {
        look.say(
            "not-in-transaction",
            -1,
            format!("The server refuses {what} in a transaction."),
            "Run it on its own, after COMMIT.",
            None,
        );
    }
}

fn renaming(look: &mut Look<'_>, stmt: &RenameStmt) {
    let Some(table) = stmt.relation.as_ref().map(lock::table) else { return };
    if look.is_new(&table) {
        return;
    }
    let (old, new) = (quoted(&stmt.subname), quoted(&stmt.newname));
    let on_table = [ObjectType::ObjectTable, ObjectType::ObjectForeignTable]
        .iter()
        .any(|kind| is_kind(stmt.relation_type, *kind));
    if is_kind(stmt.rename_type, ObjectType::ObjectColumn) && on_table {
        look.say(
            "renaming-column",
            -1,
            format!("Programs that still say {old} fail from here on."),
            "Add the new column, write both, fill it, move the readers over, then drop the old one; or put a view with \
             both names in front.",
            None,
        );
    }
    if is_kind(stmt.rename_type, ObjectType::ObjectTable) {
        look.say(
            "renaming-table",
            -1,
            format!("Programs that still say {} fail from here on.", written(&table)),
            format!("Leave a view of the old name over {new} until the last program has moved."),
            None,
        );
    }
}

/// `ALTER TYPE … ALTER ATTRIBUTE` and `DROP ATTRIBUTE`.
pub(super) fn attribute(look: &mut Look<'_>, subtype: AlterTableType, name: &str) {
    let what = match subtype {
        AlterTableType::AtAlterColumnType => "Changing",
        AlterTableType::AtDropColumn => "Dropping",
        _ => return,
    };
    look.say(
        "alter-type-in-use",
        -1,
        format!(
            "{what} the attribute {} is refused where a column has the type, and changes what every function that takes it sees.",
            quoted(name)
        ),
        "Make a new type and move its users over one by one.",
        None,
    );
}
