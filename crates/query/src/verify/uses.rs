//! What a text uses by name, and what a function in SQL does.

use std::collections::BTreeSet;

use pg_query::{Node, NodeEnum, protobuf::TypeName};

use super::is_comparable;
use crate::{
    Statement, TableName, script,
    tree::{self, Visit},
};

/// Names of a text, each once, sorted. Those of functions and types are found by `search_path` as those of tables are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Tables and views.
    pub tables: BTreeSet<TableName>,
    /// Functions, PostgreSQL's own among them.
    pub functions: BTreeSet<TableName>,
    /// Types of casts.
    pub types: BTreeSet<TableName>,
    /// Operators, without schema.
    pub operators: BTreeSet<String>,
}

impl Uses {
    /// Those of a statement.
    pub fn of(statement: &Statement) -> Self {
        let mut uses = Self { tables: statement.tables().into_iter().collect(), ..Self::default() };
        tree::deep(statement.root(), &mut |node| match node {
            NodeEnum::FuncCall(call) => uses.functions.extend(named(&call.funcname)),
            NodeEnum::TypeCast(cast) => {
                uses.types.extend(cast.type_name.as_ref().and_then(of_type));
            }
            NodeEnum::AExpr(expression) => {
                uses.operators.extend(named(&expression.name).map(|name| name.name));
            }
            NodeEnum::SubLink(link) => {
                uses.operators.extend(named(&link.oper_name).map(|name| name.name));
            }
            _ => {}
        });
        uses
    }

    /// Those of another text besides.
    pub fn add(&mut self, more: Self) {
        self.tables.extend(more.tables);
        self.functions.extend(more.functions);
        self.types.extend(more.types);
        self.operators.extend(more.operators);
    }
}

fn of_type(name: &TypeName) -> Option<TableName> {
    named(&name.names)
}

/// The last two parts of a name.
fn named(parts: &[Node]) -> Option<TableName> {
    let mut parts = parts.iter().rev().filter_map(|part| match &part.node {
        Some(NodeEnum::String(text)) => Some(text.sval.clone()),
        _ => None,
    });
    let name = parts.next()?;
    Some(TableName { schema: parts.next(), name })
}

/// The columns a statement names; `None` where it shows whole rows, or all columns.
pub fn columns_named(statement: &Statement) -> Option<BTreeSet<String>> {
    let (mut names, mut is_whole) = (BTreeSet::new(), false);
    let visit: Visit<'_, '_> = &mut |node| match node {
        NodeEnum::ColumnRef(column) => match column.fields.last().and_then(|it| it.node.as_ref()) {
            Some(NodeEnum::String(name)) => names.extend([name.sval.clone()]),
            _ => is_whole = true,
        },
        // Columns that are not named there take part.
        NodeEnum::InsertStmt(_) | NodeEnum::MergeStmt(_) => is_whole = true,
        NodeEnum::JoinExpr(join) => {
            is_whole |= join.is_natural;
            names.extend(named_one_by_one(&join.using_clause));
        }
        NodeEnum::UpdateStmt(update) => {
            let targets = update.target_list.iter().filter_map(|target| match &target.node {
                Some(NodeEnum::ResTarget(target)) => Some(target.name.clone()),
                _ => None,
            });
            names.extend(targets);
        }
        _ => {}
    };
    tree::deep(statement.root(), visit);
    (!is_whole).then_some(names)
}

fn named_one_by_one(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter_map(|node| named(std::slice::from_ref(node))).map(|it| it.name).collect()
}

/// The queries a function in SQL consists of, by its definition as `pg_get_functiondef` writes it and its body, which is
/// empty where the definition holds it; `None` where it does something else than to ask.
pub fn queries(definition: &str, body: &str) -> Option<Vec<Statement>> {
    let inside = if body.trim().is_empty() { inside(definition)? } else { body.to_owned() };
    let queries: Vec<Statement> = script::split(&inside)
        .into_iter()
        .map(|piece| Statement::parse(piece.text).ok().filter(asks))
        .collect::<Option<_>>()?;
    (!queries.is_empty()).then_some(queries)
}

/// Whether it is a query that changes nothing.
fn asks(statement: &Statement) -> bool {
    matches!(statement.root(), NodeEnum::SelectStmt(_))
        && is_comparable(statement)
        && !super::writes(statement)
}

fn inside(definition: &str) -> Option<String> {
    if let Some((_, body)) = definition.split_once("\nBEGIN ATOMIC\n") {
        return Some(body.rsplit_once("END")?.0.to_owned());
    }
    let (_, value) = definition.split_once("\nRETURN ")?;
    Some(format!("SELECT {value}"))
}
