//! Columns added, given another type, dropped.

use pg_query::{
    Node, NodeEnum,
    protobuf::{ColumnDef, ConstrType, Constraint},
};

use super::{
    alter::Part,
    name::{deparsed, inner, quoted, text_of},
    walk::Look,
};
use crate::tree::children;

/// Functions that yield one value for a whole statement, sorted: a default of these is stored once.
const STABLE: &[&str] = &[
    "current_database",
    "current_schema",
    "current_setting",
    "now",
    "statement_timestamp",
    "to_date",
    "to_timestamp",
    "transaction_timestamp",
    "version",
];

fn constraint(def: &ColumnDef, kind: ConstrType) -> Option<&Constraint> {
    def.constraints.iter().find_map(|node| match inner(Some(node))? {
        NodeEnum::Constraint(c) if c.contype == kind as i32 => Some(&**c),
        _ => None,
    })
}

pub(super) fn added(look: &mut Look<'_>, part: &Part<'_>) {
    let Some(NodeEnum::ColumnDef(def)) = inner(part.cmd.def.as_deref()) else { return };
    let is = |kind| constraint(def, kind).is_some();
    let column = quoted(&def.colname);
    let default = constraint(def, ConstrType::ConstrDefault);
    let fills = is(ConstrType::ConstrIdentity) || is_serial(def) || is(ConstrType::ConstrGenerated);
    if fills || default.is_some_and(|c| differs(c.raw_expr.as_deref())) {
        let advice = if fills {
            "Make a new table with it and copy the rows over in batches; or, for an identity, add the column without, \
             fill it in batches, and add the identity last."
        } else {
            "Add the column without a default, set the default for new rows, and fill the old rows in batches."
        };
        let instead = default.filter(|_| !fills).and_then(|c| without_default(part, def, c));
        // A virtual column, which is what GENERATED means from 18 on, is not stored.
        if !is_virtual(def) {
            look.say(
                "adding-field-with-default",
                def.location,
                format!("Nobody can use {} until every row is written anew with its own value of {column}.", part.name),
                advice,
                instead,
            );
        }
    }
    let required = is(ConstrType::ConstrNotnull) || is(ConstrType::ConstrPrimary);
    if required && default.is_none() && !fills {
        look.say(
            "adding-required-field",
            def.location,
            format!("The server refuses it as soon as {} has a row: {column} would be NULL.", part.name),
            "Give it a constant default, which is stored once; or add it without NOT NULL, fill it, and add NOT NULL.",
            None,
        );
    }
    with_constraints(look, part, def);
    if !part.cmd.missing_ok && look.before.is_many && look.before.transaction.is_none() {
        look.say(
            "prefer-robust-stmts",
            -1,
            "If a later statement fails, running the script again stops here: the column exists.",
            "Write ADD COLUMN IF NOT EXISTS.",
            None,
        );
    }
}

/// Constraints that come with the column, and are checked for every row.
fn with_constraints(look: &mut Look<'_>, part: &Part<'_>, def: &ColumnDef) {
    let is = |kind| constraint(def, kind).is_some();
    let column = quoted(&def.colname);
    if let (Some(foreign), true) =
        (constraint(def, ConstrType::ConstrForeign), is(ConstrType::ConstrDefault))
    {
        look.say(
            "adding-foreign-key-constraint",
            foreign.location,
            format!(
                "Writes to {} and the table it refers to wait until every row was looked up.",
                part.name
            ),
            "Add the column first, then the foreign key NOT VALID, and validate it.",
            None,
        );
    }
    if is(ConstrType::ConstrCheck) {
        look.say(
            "constraint-missing-not-valid",
            def.location,
            format!("Nobody can use {} until every row was checked.", part.name),
            "Add the column first, then the CHECK NOT VALID, and validate it.",
            None,
        );
    }
    for (kind, rule) in [
        (ConstrType::ConstrUnique, "disallow-unique-constraint"),
        (ConstrType::ConstrPrimary, "adding-primary-key-constraint"),
    ] {
        if is(kind) {
            look.say(
                rule,
                def.location,
                format!("Nobody can use {} until the index of {column} is built.", part.name),
                "Add the column first, build a unique index CONCURRENTLY, and make the constraint of it.",
                None,
            );
        }
    }
}

fn is_serial(def: &ColumnDef) -> bool {
    let name = def.type_name.as_ref().and_then(|name| name.names.last()).and_then(text_of);
    name.is_some_and(|name| {
        ["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"]
            .contains(&name.as_str())
    })
}

fn is_virtual(def: &ColumnDef) -> bool {
    constraint(def, ConstrType::ConstrGenerated).is_some_and(|c| c.generated_kind == "v")
}

/// Whether a default may differ from row to row. What functions of others do is not known.
fn differs(node: Option<&Node>) -> bool {
    fn search(node: &NodeEnum, found: &mut bool) {
        if let NodeEnum::FuncCall(call) = node {
            let name = call.funcname.last().and_then(text_of).unwrap_or_default();
            *found |= STABLE.binary_search(&name.as_str()).is_err();
        }
        children(node, &mut |child| search(child, found));
    }
    let mut found = false;
    if let Some(node) = inner(node) {
        search(node, &mut found);
    }
    found
}

/// The column without its default, and the default for rows to come.
fn without_default(part: &Part<'_>, def: &ColumnDef, default: &Constraint) -> Option<String> {
    let is_plain = |kind| constraint(def, kind).is_none();
    let plain = [ConstrType::ConstrNotnull, ConstrType::ConstrPrimary, ConstrType::ConstrForeign]
        .into_iter()
        .all(is_plain);
    let value = inner(default.raw_expr.as_deref())?;
    let mut bare = def.clone();
    bare.constraints.retain(|node| match inner(Some(node)) {
        Some(NodeEnum::Constraint(c)) => c.contype != ConstrType::ConstrDefault as i32,
        _ => true,
    });
    let mut cmd = part.cmd.clone();
    cmd.missing_ok = true;
    cmd.def = Some(Box::new(Node { node: Some(NodeEnum::ColumnDef(Box::new(bare))) }));
    let mut stmt = part.stmt.clone();
    stmt.cmds = vec![Node { node: Some(NodeEnum::AlterTableCmd(Box::new(cmd))) }];
    let add = deparsed(&NodeEnum::AlterTableStmt(stmt))?;
    let value = expression(value)?;
    plain.then(|| {
        format!(
            "{add};\nALTER TABLE {} ALTER COLUMN {} SET DEFAULT {value}",
            part.name,
            quoted(&def.colname)
        )
    })
}

/// An expression as text.
fn expression(value: &NodeEnum) -> Option<String> {
    let parsed = pg_query::parse("SELECT 1", 0).ok()?.protobuf.stmts.into_iter().next()?;
    let NodeEnum::SelectStmt(mut select) = parsed.stmt?.node? else { return None };
    let target = select.target_list.first_mut()?;
    if let Some(NodeEnum::ResTarget(target)) = target.node.as_mut() {
        target.val = Some(Box::new(Node { node: Some(value.clone()) }));
    }
    let text = deparsed(&NodeEnum::SelectStmt(select))?;
    text.strip_prefix("SELECT ").map(str::to_owned)
}

pub(super) fn retyped(look: &mut Look<'_>, part: &Part<'_>) {
    let column = quoted(&part.cmd.name);
    look.say(
        "changing-column-type",
        -1,
        format!(
            "Nobody can use {} until it and its indexes are written anew, but where the old type is stored like the \
             new one (a longer varchar, varchar to text).",
            part.name
        ),
        format!(
            "Add a column of the new type, keep both equal by a trigger, fill it in batches, and change over; {column} \
             goes last."
        ),
        None,
    );
}

pub(super) fn dropped(look: &mut Look<'_>, part: &Part<'_>) {
    let column = quoted(&part.cmd.name);
    look.say(
        "ban-drop-column",
        -1,
        format!("Programs that still name {column} fail, and its values are gone."),
        "Release programs that no longer name it first.",
        None,
    );
    if !part.cmd.missing_ok && look.before.is_many && look.before.transaction.is_none() {
        look.say(
            "prefer-robust-stmts",
            -1,
            "If a later statement fails, running the script again stops here: the column is gone already.",
            "Write DROP COLUMN IF EXISTS.",
            None,
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_sorted() {
        assert!(super::STABLE.is_sorted());
    }
}
