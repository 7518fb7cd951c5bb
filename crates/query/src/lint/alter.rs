//! `ALTER TABLE`, part by part.

use pg_query::{
    Node, NodeEnum,
    protobuf::{
        AlterTableCmd, AlterTableStmt, AlterTableType, BoolExprType, ConstrType, Constraint,
        NullTestType, ObjectType,
    },
};

use super::{
    column, drops, lock,
    name::{deparsed, inner, list, made, quoted, range, text_of},
    types,
    walk::{Before, Look, is_among},
};
use crate::TableName;

/// One part, and the table it is about.
pub(super) struct Part<'a> {
    pub(super) stmt: &'a AlterTableStmt,
    pub(super) cmd: &'a AlterTableCmd,
    pub(super) table: TableName,
    /// The table as it is written.
    pub(super) name: String,
}

pub(super) fn rules(look: &mut Look<'_>, stmt: &AlterTableStmt) {
    let Some(table) = stmt.relation.as_ref().map(lock::table) else { return };
    for cmd in &stmt.cmds {
        let Some(NodeEnum::AlterTableCmd(cmd)) = inner(Some(cmd)) else { continue };
        let kind = AlterTableType::try_from(cmd.subtype).unwrap_or(AlterTableType::Undefined);
        if stmt.objtype == ObjectType::ObjectType as i32 {
            drops::attribute(look, kind, &cmd.name);
        } else if stmt.objtype == ObjectType::ObjectTable as i32 {
            let name = range(stmt.relation.as_ref());
            part(look, kind, &Part { stmt, cmd, table: table.clone(), name });
        }
    }
}

fn part(look: &mut Look<'_>, kind: AlterTableType, part: &Part<'_>) {
    if let (AlterTableType::AtAddColumn, Some(NodeEnum::ColumnDef(def))) =
        (kind, inner(part.cmd.def.as_deref()))
    {
        types::column(look, def);
    }
    if kind == AlterTableType::AtDetachPartition {
        detach(look, part);
    }
    if look.is_new(&part.table) {
        return;
    }
    match kind {
        AlterTableType::AtAddColumn => column::added(look, part),
        AlterTableType::AtAddConstraint => {
            if let Some(NodeEnum::Constraint(constraint)) = inner(part.cmd.def.as_deref()) {
                added(look, part, constraint);
            }
        }
        AlterTableType::AtSetNotNull => set_not_null(look, part),
        AlterTableType::AtAlterColumnType => column::retyped(look, part),
        AlterTableType::AtDropColumn => column::dropped(look, part),
        AlterTableType::AtDropNotNull => look.say(
            "ban-drop-not-null",
            -1,
            format!(
                "Programs that rely on {} having a value may meet NULL.",
                quoted(&part.cmd.name)
            ),
            "Make sure that every reader can take NULL first.",
            None,
        ),
        _ => {}
    }
}

fn added(look: &mut Look<'_>, part: &Part<'_>, constraint: &Constraint) {
    let is_checked = !constraint.skip_validation;
    match ConstrType::try_from(constraint.contype).unwrap_or(ConstrType::Undefined) {
        ConstrType::ConstrCheck if is_checked => look.say(
            "constraint-missing-not-valid",
            constraint.location,
            format!("Nobody can use {} until every row was checked.", part.name),
            "Add it NOT VALID, which takes a moment, commit, and validate it, which lets reads and writes go on.",
            in_two_steps(part, constraint, "check"),
        ),
        ConstrType::ConstrForeign if is_checked => look.say(
            "adding-foreign-key-constraint",
            constraint.location,
            format!(
                "Writes to {} and {} wait until every row was looked up.",
                part.name,
                range(constraint.pktable.as_ref())
            ),
            "Add it NOT VALID, which takes a moment, commit, and validate it, which lets reads and writes go on.",
            in_two_steps(part, constraint, "fkey"),
        ),
        ConstrType::ConstrNotnull if is_checked => not_null(look, part, &constraint_columns(constraint)),
        ConstrType::ConstrUnique if constraint.indexname.is_empty() => {
            by_index(look, part, constraint, ("disallow-unique-constraint", "UNIQUE", "key"));
        }
        ConstrType::ConstrPrimary if constraint.indexname.is_empty() => {
            by_index(look, part, constraint, ("adding-primary-key-constraint", "PRIMARY KEY", "pkey"));
        }
        _ => {}
    }
}

fn constraint_columns(constraint: &Constraint) -> Vec<String> {
    let of_key = constraint.keys.iter().chain(&constraint.fk_attrs).filter_map(text_of);
    of_key.collect()
}

/// The constraint `NOT VALID`, and its validation.
fn in_two_steps(part: &Part<'_>, constraint: &Constraint, ending: &str) -> Option<String> {
    let mut better = constraint.clone();
    better.skip_validation = true;
    better.initially_valid = false;
    if better.conname.is_empty() {
        better.conname = made(&part.table.name, &constraint_columns(constraint), ending);
    }
    let name = quoted(&better.conname);
    let add = alone(part, NodeEnum::Constraint(Box::new(better)))?;
    Some(format!("{add};\nALTER TABLE {} VALIDATE CONSTRAINT {name}", part.name))
}

/// The statement with this part alone, so defined.
fn alone(part: &Part<'_>, def: NodeEnum) -> Option<String> {
    let mut cmd = part.cmd.clone();
    cmd.def = Some(Box::new(Node { node: Some(def) }));
    let mut stmt = part.stmt.clone();
    stmt.cmds = vec![Node { node: Some(NodeEnum::AlterTableCmd(Box::new(cmd))) }];
    deparsed(&NodeEnum::AlterTableStmt(stmt))
}

/// A constraint that builds an index: rule, what it is, the ending of its name.
fn by_index(
    look: &mut Look<'_>,
    part: &Part<'_>,
    constraint: &Constraint,
    (rule, what, ending): (&'static str, &str, &str),
) {
    let columns = constraint_columns(constraint);
    let made_name = if ending == "pkey" {
        format!("{}_pkey", part.table.name)
    } else {
        made(&part.table.name, &columns, ending)
    };
    let name = if constraint.conname.is_empty() { made_name } else { constraint.conname.clone() };
    let name = quoted(&name);
    let keys = list(&constraint.keys);
    let nulls = if constraint.nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let mut advice = "Build the index CONCURRENTLY first, outside of a transaction; making a constraint of it takes a \
                      moment."
        .to_owned();
    if ending == "pkey" {
        advice.push_str(" Its columns should be NOT NULL before, else the table is read for that.");
    }
    // A partitioned table takes neither the index nor the constraint that way.
    let instead = (!look.is_partitioned(&part.table)).then(|| {
        format!(
            "CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({keys}){nulls};\n\
             ALTER TABLE {table} ADD CONSTRAINT {name} {what} USING INDEX {name}",
            table = part.name
        )
    });
    look.say(
        rule,
        constraint.location,
        format!("Nobody can use {} until its index is built.", part.name),
        advice,
        instead,
    );
}

fn set_not_null(look: &mut Look<'_>, part: &Part<'_>) {
    let column = &part.cmd.name;
    let proved = look.before.checked.iter().any(|(table, constraint, checked)| {
        checked == column
            && is_among(std::slice::from_ref(table), &part.table)
            && look.before.validated.contains(constraint)
    });
    if !proved {
        not_null(look, part, std::slice::from_ref(column));
    }
}

fn not_null(look: &mut Look<'_>, part: &Part<'_>, columns: &[String]) {
    let Some(column) = columns.first() else { return };
    let name = quoted(&made(&part.table.name, columns, "not_null"));
    let (table, quoted) = (&part.name, quoted(column));
    let (advice, instead) = if look.version >= 18 {
        (
            "Add it NOT VALID, which takes a moment, commit, and validate it.",
            format!(
                "ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {quoted} NOT VALID;\n\
                 ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
            ),
        )
    } else {
        (
            "Prove it by a CHECK that is added NOT VALID and validated first; SET NOT NULL then reads nothing. Commit \
             between the steps.",
            format!(
                "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({quoted} IS NOT NULL) NOT VALID;\n\
                 ALTER TABLE {table} VALIDATE CONSTRAINT {name};\n\
                 ALTER TABLE {table} ALTER COLUMN {quoted} SET NOT NULL;\n\
                 ALTER TABLE {table} DROP CONSTRAINT {name}"
            ),
        )
    };
    look.say(
        "adding-not-null-field",
        -1,
        format!("Nobody can use {table} until every row was read."),
        advice,
        Some(instead),
    );
}

fn detach(look: &mut Look<'_>, part: &Part<'_>) {
    let Some(NodeEnum::PartitionCmd(partition)) = inner(part.cmd.def.as_deref()) else { return };
    if partition.concurrent && look.before.transaction.is_some() {
        look.say(
            "not-in-transaction",
            -1,
            "The server refuses DETACH PARTITION CONCURRENTLY in a transaction.",
            "Run it on its own, after COMMIT.",
            None,
        );
    }
    // CONCURRENTLY came with 14.
    if partition.concurrent || look.version < 14 || look.is_new(&part.table) {
        return;
    }
    look.say(
        "require-concurrent-partition-detach",
        -1,
        format!("Nobody can use {} or any of its partitions meanwhile.", part.name),
        "Detach it CONCURRENTLY, outside of a transaction (not possible where there is a default partition).",
        Some(format!(
            "ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY",
            part.name,
            range(partition.name.as_ref())
        )),
    );
}

/// Keeps what a part proves of later ones.
pub(super) fn remember(before: &mut Before, stmt: &AlterTableStmt, cmd: &AlterTableCmd) {
    let Some(table) = stmt.relation.as_ref().map(lock::table) else { return };
    match AlterTableType::try_from(cmd.subtype).unwrap_or(AlterTableType::Undefined) {
        AlterTableType::AtAttachPartition => before.partitioned.push(table),
        AlterTableType::AtValidateConstraint => before.validated.push(cmd.name.clone()),
        AlterTableType::AtAddConstraint => {
            let Some(NodeEnum::Constraint(constraint)) = inner(cmd.def.as_deref()) else { return };
            let mut columns = Vec::new();
            if let Some(condition) = inner(constraint.raw_expr.as_deref()) {
                not_nulls(condition, &mut columns);
            }
            for column in columns {
                before.checked.push((table.clone(), constraint.conname.clone(), column));
            }
            if !constraint.skip_validation {
                before.validated.push(constraint.conname.clone());
            }
        }
        _ => {}
    }
}

/// The columns a condition says are not NULL.
fn not_nulls(condition: &NodeEnum, columns: &mut Vec<String>) {
    match condition {
        NodeEnum::NullTest(test) if test.nulltesttype == NullTestType::IsNotNull as i32 => {
            if let Some(NodeEnum::ColumnRef(column)) = inner(test.arg.as_deref()) {
                columns.extend(column.fields.last().and_then(text_of));
            }
        }
        NodeEnum::BoolExpr(all) if all.boolop == BoolExprType::AndExpr as i32 => {
            all.args
                .iter()
                .filter_map(|arg| inner(Some(arg)))
                .for_each(|arg| not_nulls(arg, columns));
        }
        _ => {}
    }
}
