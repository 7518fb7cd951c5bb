//! Types, names and domains that are regretted later.

use pg_query::{
    NodeEnum,
    protobuf::{AlterEnumStmt, ColumnDef, CreateStmt, TypeName},
};

use super::{
    lock,
    name::{inner, quoted, text_of},
    walk::Look,
};
use crate::script::tokens;

/// Longest name, in bytes.
const LONGEST_NAME: usize = 63;

pub(super) fn table(look: &mut Look<'_>, create: &CreateStmt) {
    for element in &create.table_elts {
        if let Some(NodeEnum::ColumnDef(def)) = inner(Some(element)) {
            column(look, def);
        }
    }
    let Some(range) = &create.relation else { return };
    // A table for the session belongs to no schema that could be named.
    if range.schemaname.is_empty() && range.relpersistence != "t" {
        look.say(
            "require-table-schema",
            range.location,
            format!("{} lands in whatever schema search_path names first.", quoted(&range.relname)),
            "Name the schema.",
            None,
        );
    }
    let robust = create.if_not_exists || !look.before.is_many || look.is_new(&lock::table(range));
    if !robust && look.before.transaction.is_none() && range.relpersistence != "t" {
        look.say(
            "prefer-robust-stmts",
            -1,
            "If a later statement fails, running the script again stops here: the table exists.",
            "Write IF NOT EXISTS, or put the script into a transaction.",
            None,
        );
    }
}

pub(super) fn column(look: &mut Look<'_>, def: &ColumnDef) {
    let Some(type_name) = &def.type_name else { return };
    let name = type_name.names.last().and_then(text_of).unwrap_or_default();
    let column = quoted(&def.colname);
    let (rule, says, advice): (&'static str, String, &str) = match name.as_str() {
        "int4" | "int" => (
            "prefer-bigint-over-int",
            format!("{column} ends at 2 147 483 647; widening it later rewrites the table."),
            "Write bigint, unless the values are bounded by what they mean.",
        ),
        "serial" | "serial4" => (
            "prefer-bigint-over-int",
            format!("{column} ends at 2 147 483 647; widening it later rewrites the table."),
            "Write bigint GENERATED ALWAYS AS IDENTITY.",
        ),
        "int2" | "smallserial" | "serial2" => (
            "prefer-bigint-over-smallint",
            format!("{column} ends at 32 767; widening it later rewrites the table."),
            "Write bigint (or integer), unless the values are bounded by what they mean.",
        ),
        "bpchar" | "char" if name == "bpchar" => (
            "ban-char-field",
            format!(
                "{column} is padded with blanks, which are stored and then ignored in comparisons."
            ),
            "Write text, with a CHECK on its length where that matters.",
        ),
        "varchar" if is_limited(type_name) => (
            "prefer-text-field",
            format!(
                "The length of {column} is part of its type; another one needs a lock that stops everybody."
            ),
            "Write text, with CHECK (length(…) <= n) where that matters.",
        ),
        "timestamp" => (
            "prefer-timestamptz",
            format!(
                "{column} does not say which moment it means; sessions in other time zones read another."
            ),
            "Write timestamptz, which is as large.",
        ),
        _ => ("", String::new(), ""),
    };
    if !rule.is_empty() {
        look.say(rule, def.location, says, advice, None);
    }
    if name.contains("serial") {
        look.say(
            "prefer-identity",
            def.location,
            format!("The sequence of {column} has privileges, an owner and a default of its own to keep in step."),
            "Write bigint GENERATED ALWAYS AS IDENTITY.",
            None,
        );
    }
}

fn is_limited(name: &TypeName) -> bool {
    !name.typmods.is_empty()
}

pub(super) fn others(look: &mut Look<'_>) {
    match look.node {
        NodeEnum::CreateDomainStmt(domain) if !domain.constraints.is_empty() => look.say(
            "ban-create-domain-with-constraint",
            -1,
            "Changing the constraint later checks every table that uses the domain, under a lock.",
            "Use the base type with a CHECK on the table.",
            None,
        ),
        NodeEnum::AlterDomainStmt(domain) if is_adding(&domain.subtype) => look.say(
            "ban-alter-domain-with-add-constraint",
            -1,
            "Every table that uses the domain is read, and keeps its writers waiting, until its rows were checked.",
            "Put the CHECK on the tables, NOT VALID, and validate it.",
            None,
        ),
        NodeEnum::AlterEnumStmt(stmt) => enum_value(look, stmt),
        _ => {}
    }
}

/// `ADD CONSTRAINT` and `SET NOT NULL`.
fn is_adding(subtype: &str) -> bool {
    ["C", "O"].contains(&subtype)
}

fn enum_value(look: &mut Look<'_>, stmt: &AlterEnumStmt) {
    if stmt.old_val.is_empty() && stmt.new_val_neighbor.is_empty() {
        look.say(
            "require-enum-value-ordering",
            -1,
            "The new value sorts behind all others, and cannot be moved.",
            "Say BEFORE or AFTER which value it belongs.",
            None,
        );
    }
}

/// Names that will be cut off: the parser has done so already, so they are sought among the tokens.
pub(super) fn long_names(look: &mut Look<'_>, text: &str) {
    if text.len() <= LONGEST_NAME {
        return;
    }
    for token in tokens(text).unwrap_or_default() {
        let is_name = token.token == pg_query::protobuf::Token::Ident as i32;
        let place = usize::try_from(token.start).ok().zip(usize::try_from(token.end).ok());
        let Some(written) = place.and_then(|(start, end)| text.get(start..end)) else { continue };
        let name = written.trim_matches('"').replace("\"\"", "\"");
        if is_name && name.len() > LONGEST_NAME {
            look.say(
                "identifier-too-long",
                token.start,
                format!("{written} has {} bytes; the server cuts it off after 63.", name.len()),
                "Choose a shorter name.",
                None,
            );
        }
    }
}
