//! Goes through a script, statement by statement, and knows what came before.

use pg_query::{
    NodeEnum,
    protobuf::{TransactionStmtKind, VariableSetKind},
};

use super::{
    Linted, Options, Remark, Unread, alter, drops, ignore, index,
    lock::{self, Taken},
    name::{inner, written},
    rule::{self, Rule},
    types, writes,
};
use crate::{Position, Statement, TableName, position::trouble, script};

/// What a rule says of a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) rule: &'static str,
    /// Bytes from the beginning of the statement; negative where the parser does not tell.
    pub(super) at: i32,
    pub(super) says: String,
    pub(super) advice: String,
    pub(super) instead: Option<String>,
}

/// What came before a statement.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Tables, materialized views and indexes made by the script: nobody uses them yet.
    pub(super) made: Vec<TableName>,
    /// Tables that are partitioned.
    pub(super) partitioned: Vec<TableName>,
    /// Columns with a CHECK that they are not NULL: table, constraint, column.
    pub(super) checked: Vec<(TableName, String, String)>,
    /// Constraints that were validated.
    pub(super) validated: Vec<String>,
    /// Where the open transaction began; that of a tool begins at 0.
    pub(super) transaction: Option<usize>,
    has_lock_timeout: bool,
    has_told_timeout: bool,
    heavy: Vec<TableName>,
    /// More than one statement that changes something stands in the script.
    pub(super) is_many: bool,
}

/// A statement and what came before it.
pub(super) struct Look<'a> {
    pub(super) node: &'a NodeEnum,
    pub(super) version: u32,
    pub(super) before: &'a Before,
    pub(super) said: Vec<Said>,
}

impl Look<'_> {
    /// Notes what a rule says.
    pub(super) fn say(
        &mut self,
        rule: &'static str,
        at: i32,
        says: impl Into<String>,
        advice: impl Into<String>,
        instead: Option<String>,
    ) {
        self.said.push(Said { rule, at, says: says.into(), advice: advice.into(), instead });
    }

    /// Whether nobody uses a table yet.
    pub(super) fn is_new(&self, table: &TableName) -> bool {
        is_among(&self.before.made, table)
    }

    pub(super) fn is_partitioned(&self, table: &TableName) -> bool {
        is_among(&self.before.partitioned, table)
    }
}

pub(super) fn is_among(tables: &[TableName], table: &TableName) -> bool {
    let same = |known: &TableName| {
        known.name == table.name
            && (known.schema.is_none() || table.schema.is_none() || known.schema == table.schema)
    };
    tables.iter().any(same)
}

pub(super) fn script(text: &str, options: &Options) -> Linted {
    let pieces = script::split(text);
    let mut linted = Linted { statements: pieces.len(), ..Linted::default() };
    let mut before = Before {
        partitioned: options.partitioned.clone(),
        transaction: options.in_transaction.then_some(0),
        is_many: pieces.iter().filter(|piece| !sets(piece.text)).count() > 1,
        ..Before::default()
    };
    let mut end_of_previous = 0;
    for piece in &pieces {
        let ignored = ignore::rules(text.get(end_of_previous..piece.at.end).unwrap_or_default());
        end_of_previous = piece.at.end;
        let statement = match Statement::parse(piece.text) {
            Ok(statement) => statement,
            Err(refused) => {
                let at = trouble(piece.text).map_or(0, |place| place.at);
                let place = Position::of(text, piece.at.start + at);
                linted.unread.push(Unread { place, why: refused.to_string() });
                continue;
            }
        };
        let node = statement.root();
        let locks = lock::of(node, options.version);
        let mut look = Look { node, version: options.version, before: &before, said: Vec::new() };
        types::long_names(&mut look, piece.text);
        rules(&mut look);
        let mut said = look.said;
        said.extend(timeouts(&mut before, &locks));
        said.extend(heavy_locks(&mut before, &locks));
        for one in said {
            let Some(rule) = rule::find(one.rule) else { continue };
            if is_wanted(rule, options)
                && !ignored.iter().any(|name| name == rule.name || name == "*")
            {
                linted.remarks.push(remark(text, piece.at.start, rule, one, &locks));
            }
        }
        remember(&mut before, node, piece.at.start);
    }
    linted.remarks.extend(uncommitted(text, &before, options));
    linted
}

/// Whether a statement is a setting: running it again does no harm.
fn sets(text: &str) -> bool {
    text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("set"))
}

fn rules(look: &mut Look<'_>) {
    match look.node {
        NodeEnum::AlterTableStmt(alter) => alter::rules(look, alter),
        NodeEnum::IndexStmt(stmt) => index::creation(look, stmt),
        NodeEnum::ReindexStmt(stmt) => index::reindex(look, stmt),
        NodeEnum::CreateStmt(create) => types::table(look, create),
        NodeEnum::DropStmt(drop) => drops::objects(look, drop),
        _ => {
            drops::others(look);
            types::others(look);
            writes::rules(look);
        }
    }
}

fn is_wanted(rule: &Rule, options: &Options) -> bool {
    let wanted =
        if options.only.is_empty() { !rule.is_optional } else { options.only.contains(&rule.name) };
    wanted && !options.except.contains(&rule.name)
}

/// Rules that are about what a lock does to others.
const ABOUT_LOCKS: &[&str] = &[
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-null-field",
    "adding-primary-key-constraint",
    "changing-column-type",
    "cluster",
    "constraint-missing-not-valid",
    "disallow-unique-constraint",
    "renaming-column",
    "renaming-table",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
    "require-concurrent-partition-detach",
    "require-concurrent-refresh",
    "require-concurrent-reindex",
    "require-timeout-settings",
    "several-heavy-locks-in-one-transaction",
    "update-without-where",
    "vacuum-full",
];

fn remark(text: &str, start: usize, rule: &'static Rule, said: Said, locks: &[Taken]) -> Remark {
    let at = start + usize::try_from(said.at).unwrap_or(0);
    let locks = if ABOUT_LOCKS.contains(&rule.name) { locks.to_vec() } else { Vec::new() };
    Remark {
        rule,
        place: Position::of(text, at),
        says: said.says,
        locks,
        advice: said.advice,
        instead: said.instead,
    }
}

/// The tables in use that a statement keeps programs from.
fn kept_from<'t>(before: &Before, locks: &'t [Taken]) -> Vec<&'t Taken> {
    let heavy = |taken: &&Taken| taken.lock.is_heavy() && !is_among(&before.made, &taken.table);
    locks.iter().filter(heavy).collect()
}

fn timeouts(before: &mut Before, locks: &[Taken]) -> Option<Said> {
    let kept = kept_from(before, locks);
    let first = kept.first()?;
    if before.has_lock_timeout || before.has_told_timeout {
        return None;
    }
    before.has_told_timeout = true;
    Some(Said {
        rule: "require-timeout-settings",
        at: -1,
        says: format!(
            "No lock_timeout is set before {} on {} is asked for: while it waits behind a long transaction, everybody \
             else waits behind it.",
            first.lock.as_str(),
            written(&first.table)
        ),
        advice:
            "Set lock_timeout at the top of the script, and run the script again when it strikes."
                .into(),
        instead: Some("SET lock_timeout = '2s'".into()),
    })
}

fn heavy_locks(before: &mut Before, locks: &[Taken]) -> Option<Said> {
    before.transaction?;
    let kept = kept_from(before, locks);
    let mut new: Vec<TableName> = Vec::new();
    for taken in &kept {
        if !is_among(&before.heavy, &taken.table) && !is_among(&new, &taken.table) {
            new.push(taken.table.clone());
        }
    }
    let tells = !before.heavy.is_empty() && !new.is_empty();
    let held: Vec<String> = before.heavy.iter().map(written).collect();
    let names: Vec<String> = new.iter().map(written).collect();
    before.heavy.append(&mut new);
    tells.then(|| Said {
        rule: "several-heavy-locks-in-one-transaction",
        at: -1,
        says: format!(
            "{} is locked while the transaction still holds its lock on {}: programs wait for both until it ends, and \
             one that takes them the other way round ends in a deadlock.",
            names.join(", "),
            held.join(", ")
        ),
        advice: "Commit after each table.".into(),
        instead: None,
    })
}

/// Keeps what later statements are judged by.
fn remember(before: &mut Before, node: &NodeEnum, at: usize) {
    match node {
        NodeEnum::TransactionStmt(stmt) => {
            use TransactionStmtKind as Kind;
            match Kind::try_from(stmt.kind).unwrap_or(Kind::Undefined) {
                Kind::TransStmtBegin | Kind::TransStmtStart => before.transaction = Some(at),
                Kind::TransStmtCommit | Kind::TransStmtRollback | Kind::TransStmtPrepare => {
                    before.transaction = None;
                    before.heavy.clear();
                }
                _ => {}
            }
        }
        NodeEnum::VariableSetStmt(set) if set.name == "lock_timeout" => {
            before.has_lock_timeout = set.kind == VariableSetKind::VarSetValue as i32;
        }
        NodeEnum::CreateStmt(create) => {
            let Some(table) = create.relation.as_ref().map(lock::table) else { return };
            if create.partspec.is_some() {
                before.partitioned.push(table.clone());
            }
            before.made.push(table);
        }
        NodeEnum::CreateTableAsStmt(create) => {
            let range = create.into.as_ref().and_then(|into| into.rel.as_ref());
            before.made.extend(range.map(lock::table));
        }
        NodeEnum::IndexStmt(index) if !index.idxname.is_empty() => {
            let table = index.relation.as_ref().map(lock::table);
            if table.as_ref().is_some_and(|table| is_among(&before.made, table)) {
                let schema = table.and_then(|table| table.schema);
                before.made.push(TableName { schema, name: index.idxname.clone() });
            }
        }
        NodeEnum::AlterTableStmt(alter) => {
            for cmd in &alter.cmds {
                if let Some(NodeEnum::AlterTableCmd(cmd)) = inner(Some(cmd)) {
                    alter::remember(before, alter, cmd);
                }
            }
        }
        _ => {}
    }
}

/// A transaction that is still open at the end.
fn uncommitted(text: &str, before: &Before, options: &Options) -> Option<Remark> {
    let at = before.transaction.filter(|_| !options.in_transaction)?;
    let rule = rule::find("ban-uncommitted-transaction").filter(|rule| is_wanted(rule, options))?;
    let said = Said {
        rule: rule.name,
        at: -1,
        says: "The transaction that begins here is never committed: what it did is undone when the session ends.".into(),
        advice: "End it with COMMIT.".into(),
        instead: None,
    };
    Some(remark(text, at, rule, said, &[]))
}
