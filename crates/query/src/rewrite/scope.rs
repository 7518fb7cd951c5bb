//! What is known of the tables and columns at a place of a statement.

use pg_query::{
    Node, NodeEnum,
    protobuf::{ColumnRef, JoinType, RangeVar, SelectStmt},
};

use crate::statement::TableName;

/// A column, as the catalogue describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as `format_type` writes it: `timestamp without time zone`.
    pub type_name: String,
    /// A valid constraint says that it is never NULL.
    pub is_not_null: bool,
}

/// What a function promises of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatility {
    /// It follows from the arguments.
    Immutable,
    /// It is the same within one statement.
    Stable,
    /// Nothing.
    Volatile,
}

/// Tells what a server knows of tables and functions.
pub trait Catalogue {
    /// The columns of a table (or view); `None` where it is not known.
    fn columns(&self, table: &TableName) -> Option<Vec<Column>>;
    /// The columns of each unique index that is valid, not partial, not deferrable, of columns alone, and of a table
    /// that has no children.
    fn unique_keys(&self, table: &TableName) -> Vec<Vec<String>>;
    /// What a function of that name promises; the least of all that have the name; `None` where it is not known.
    fn volatility(&self, function: &str) -> Option<Volatility>;
}

/// Nothing is known.
impl Catalogue for () {
    fn columns(&self, _: &TableName) -> Option<Vec<Column>> {
        None
    }

    fn unique_keys(&self, _: &TableName) -> Vec<Vec<String>> {
        Vec::new()
    }

    fn volatility(&self, _: &str) -> Option<Volatility> {
        None
    }
}

/// An item of a `FROM` list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) alias: String,
    /// `None` for what is no table.
    pub(super) table: Option<TableName>,
    /// An outer join may fill it with NULL.
    pub(super) is_padded: bool,
}

/// The items of the `FROM` list of one query.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    pub(super) items: Vec<Item>,
}

/// A column that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) alias: String,
    pub(super) column: Column,
    /// 0 for the innermost query.
    pub(super) depth: usize,
}

impl Level {
    pub(super) fn of(from: &[Node], expressions: &[String]) -> Self {
        let mut level = Self::default();
        for node in from.iter().filter_map(|node| node.node.as_ref()) {
            level.add(node, false, expressions);
        }
        level
    }

    /// The tables of a query. Grouping sets show NULL in place of any column.
    pub(super) fn of_select(select: &SelectStmt, expressions: &[String]) -> Self {
        let mut level = Self::of(&select.from_clause, expressions);
        let sets = |node: &Node| matches!(node.node, Some(NodeEnum::GroupingSet(_)));
        if select.group_clause.iter().any(sets) {
            level.pad();
        }
        level
    }

    /// Any column may be NULL.
    pub(super) fn pad(&mut self) {
        self.items.iter_mut().for_each(|item| item.is_padded = true);
    }

    /// Everything goes by another name.
    pub(super) fn rename(&mut self, alias: &str) {
        self.items.iter_mut().for_each(|item| alias.clone_into(&mut item.alias));
    }

    pub(super) fn add_table(&mut self, range: &RangeVar, expressions: &[String]) {
        self.items.push(item(range, false, expressions));
    }

    fn add(&mut self, node: &NodeEnum, is_padded: bool, expressions: &[String]) {
        match node {
            NodeEnum::RangeVar(range) => self.items.push(item(range, is_padded, expressions)),
            NodeEnum::JoinExpr(join) => {
                let kind = join.jointype;
                let full = kind == JoinType::JoinFull as i32;
                let left = is_padded || full || kind == JoinType::JoinRight as i32;
                let right = is_padded || full || kind == JoinType::JoinLeft as i32;
                let from = self.items.len();
                for (side, padded) in [(&join.larg, left), (&join.rarg, right)] {
                    if let Some(node) = side.as_ref().and_then(|node| node.node.as_ref()) {
                        self.add(node, padded, expressions);
                    }
                }
                // An alias of the join hides the names inside of it.
                if let Some(alias) = &join.alias {
                    self.items.truncate(from);
                    self.items.push(unknown(&alias.aliasname));
                }
            }
            NodeEnum::RangeSubselect(sub) => {
                let alias = sub.alias.as_ref().map(|alias| alias.aliasname.as_str());
                self.items.push(unknown(alias.unwrap_or_default()));
            }
            NodeEnum::RangeFunction(function) => {
                let alias = function.alias.as_ref().map(|alias| alias.aliasname.as_str());
                self.items.push(unknown(alias.unwrap_or_default()));
            }
            _ => self.items.push(unknown("")),
        }
    }
}

fn unknown(alias: &str) -> Item {
    Item { alias: alias.to_owned(), table: None, is_padded: true }
}

fn item(range: &RangeVar, is_padded: bool, expressions: &[String]) -> Item {
    let schema = (!range.schemaname.is_empty()).then(|| range.schemaname.clone());
    let is_table = schema.is_some() || !expressions.contains(&range.relname);
    // Columns that are renamed in the list are not those of the catalogue.
    let is_renamed = range.alias.as_ref().is_some_and(|alias| !alias.colnames.is_empty());
    let alias = range.alias.as_ref().map_or(&range.relname, |alias| &alias.aliasname).clone();
    let table = TableName { schema, name: range.relname.clone() };
    Item { alias, table: (is_table && !is_renamed).then_some(table), is_padded }
}

/// The parts of a column's name; `None` where a `*` or a subscript is among them.
pub(super) fn parts(column: &ColumnRef) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    for field in &column.fields {
        match field.node.as_ref() {
            Some(NodeEnum::String(name)) => names.push(name.sval.as_str()),
            _ => return None,
        }
    }
    Some(names)
}

/// The column of a table that a name means; `None` where that is not certain. The innermost level is the last.
pub(super) fn find(
    column: &ColumnRef,
    levels: &[Level],
    catalogue: &dyn Catalogue,
) -> Option<Found> {
    let names = parts(column)?;
    match names.as_slice() {
        [alias, name] => {
            let has = |level: &&Level| level.items.iter().any(|item| item.alias == *alias);
            let depth = levels.iter().rev().position(|level| has(&level))?;
            let level = levels.iter().rev().nth(depth)?;
            let item = level.items.iter().find(|item| item.alias == *alias)?;
            of_item(item, name, depth, catalogue)
        }
        [name] => {
            for (depth, level) in levels.iter().rev().enumerate() {
                let mut owner = None;
                for item in &level.items {
                    let columns = catalogue.columns(item.table.as_ref()?)?;
                    if columns.iter().any(|column| column.name == *name)
                        && owner.replace(item).is_some()
                    {
                        return None;
                    }
                }
                if let Some(item) = owner {
                    return of_item(item, name, depth, catalogue);
                }
            }
            None
        }
        _ => None,
    }
}

fn of_item(item: &Item, name: &str, depth: usize, catalogue: &dyn Catalogue) -> Option<Found> {
    let columns = catalogue.columns(item.table.as_ref()?)?;
    let mut column = columns.into_iter().find(|column| column.name == name)?;
    column.is_not_null &= !item.is_padded;
    Some(Found { alias: item.alias.clone(), column, depth })
}
