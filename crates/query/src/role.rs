//! What a statement does with the columns of its tables: which it compares and how, joins, sorts, groups, shows, sets.
//! What an index can serve, and what a value for a parameter should look like, follow from here.

pub(crate) mod condition;
pub(crate) mod scope;
mod walk;

use crate::statement::{Statement, TableName};

/// Tells the columns of a table, so that names without a table find theirs.
pub trait Columns {
    /// The names of its columns; `None` where the table is not known.
    fn of(&self, table: &TableName) -> Option<Vec<String>>;
}

/// Nothing is known: a name without a table is found only where one table can have it.
impl Columns for () {
    fn of(&self, _: &TableName) -> Option<Vec<String>> {
        None
    }
}

/// One table in one place of a statement, and what is done with its columns. A table that is named twice is there
/// twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The table.
    pub table: TableName,
    /// The name it goes by in the statement.
    pub alias: String,
    /// Which query it stands in, counted from the outermost, 0, in the order of the text.
    pub level: usize,
    /// What is done with its columns, in the order of the text.
    pub uses: Vec<Use>,
    /// All its columns are shown (`*`).
    pub shows_all: bool,
    /// It is the one that is inserted into, updated or deleted from.
    pub is_written: bool,
}

/// What is done with one column, or with an expression of columns of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The columns, sorted; more than one only in an expression.
    pub columns: Vec<String>,
    /// The expression in the words of the parser, where it is more than a column.
    pub expression: Option<String>,
    /// What is done.
    pub role: Role,
    /// One arm of an `OR` (or under a `NOT`) says so: rows may come without it.
    pub is_optional: bool,
}

/// What is done with a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// `=`, `IS NOT DISTINCT FROM`, or a condition that is the column itself.
    Equal(Operand),
    /// `IN (…)` or `= ANY (…)`, with the number of elements where they are listed.
    In(Operand, Option<usize>),
    /// `<`, `<=`, `>`, `>=`; `BETWEEN` is two of them.
    Range(&'static str, Operand),
    /// `LIKE`, `ILIKE`, `SIMILAR TO`, `~`, `~*`.
    Like(Pattern, Operand),
    /// Any other operator that may have an index: `@>`, `&&`, `?`, `@@`.
    Operator(String, Operand),
    /// `IS NULL` (true) or `IS NOT NULL`.
    Null(bool),
    /// Compared to a column of another table of the same query: its alias, its column, the operator.
    Join(String, String, String),
    /// The so manieth expression of `GROUP BY` or `DISTINCT`.
    Group(usize),
    /// The so manieth of `ORDER BY`.
    Order {
        /// From 0.
        place: usize,
        /// `DESC`.
        descends: bool,
        /// `NULLS FIRST` as it takes effect.
        nulls_first: bool,
        /// No more rows are wanted than a `LIMIT` says.
        is_limited: bool,
    },
    /// In the list of what is shown, or in an expression of it.
    Shown,
    /// Set by `UPDATE`.
    Set,
    /// Compared by something no index serves (`<>`, `NOT IN`, a function of two columns).
    Filter,
}

/// How a pattern is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Letters first: `LIKE 'abc%'`.
    Prefix,
    /// Wildcards first: `LIKE '%abc%'`.
    Infix,
    /// Whatever the parameter says.
    Unknown,
    /// Without regard to case.
    CaseInsensitive,
    /// A regular expression.
    Regular,
}

/// What a column is compared to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// `$n`.
    Parameter(i32),
    /// A literal, in the words of the parser.
    Literal(String),
    /// An expression of neither columns nor parameters: `now() - interval '1 day'`, a subquery that stands alone.
    Value,
    /// A subquery that yields rows.
    Rows,
}

impl Statement {
    /// The tables of the statement and what is done with their columns.
    pub fn relations(&self, columns: &dyn Columns) -> Vec<Relation> {
        walk::relations(self.root(), columns)
    }
}

#[cfg(test)]
mod tests;
