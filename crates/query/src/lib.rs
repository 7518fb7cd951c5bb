//! What a statement is, by PostgreSQL's own grammar: its class, its fingerprint, the tables it touches and the key
//! it looks up by. Pure functions of a text; no connection, no catalogue, no clock.
//!
//! # Classes
//!
//! | class | statements |
//! |---|---|
//! | [`Class::SimpleRead`] | `SELECT` of at most one table, without grouping |
//! | [`Class::Join`] | `SELECT` of two or more tables: joins, subqueries, unions |
//! | [`Class::Aggregate`] | `SELECT` with grouping, aggregates, `DISTINCT` or window functions |
//! | [`Class::Write`] | `INSERT` of fewer than [`BULK_ROWS`] rows, `UPDATE`, `DELETE` and `MERGE` of rows picked by value, `SELECT … FOR UPDATE` |
//! | [`Class::Bulk`] | `COPY … FROM`, `INSERT … SELECT`, `INSERT` of [`BULK_ROWS`] rows or more, `CREATE TABLE AS`, `UPDATE` and `DELETE` of rows no value picks |
//! | [`Class::Utility`] | everything the planner does not plan, and what waits by design |
//! | [`Class::Unknown`] | what the grammar refuses (cut off, another dialect), and calls whose work is elsewhere |
//!
//! Picked by value means that a column is compared with `=`, `IN` or `= ANY` to something that is no column, or that
//! the row comes from a cursor or from a subquery that is limited or itself picks by value.

mod call;
mod calls;
mod class;
mod condition;
pub mod lint;
mod lookup;
mod parameter;
pub mod plan;
mod position;
pub mod rewrite;
pub mod role;
pub mod script;
mod statement;
mod survey;
mod tree;

pub use self::{
    calls::{ConditionCall, Often, condition_calls, wrap_calls},
    class::{BULK_ROWS, Class, Classified},
    lookup::Lookup,
    parameter::Parameter,
    position::{Position, trouble},
    statement::{Refused, Statement, TableName},
};

/// The class of a text. A text the grammar refuses is [`Class::Unknown`], with the reason.
pub fn classify(text: &str) -> Classified {
    match Statement::parse(text) {
        Ok(statement) => statement.classify(),
        Err(refused) => Classified::unknown(refused.to_string()),
    }
}

/// The fingerprint of a text: equal for statements that differ in literals, parameters, white space and the length of
/// lists alone. Sixteen hexadecimal digits, the same as other users of `libpg_query` show.
pub fn fingerprint(text: &str) -> Result<String, Refused> {
    let found = pg_query::fingerprint(text, 0, 0);
    found.map(|found| found.hex).map_err(Refused::from)
}
