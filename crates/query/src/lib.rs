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

mod building;
mod call;
mod calls;
mod class;
mod condition;
pub mod lint;
mod lookup;
mod page;
mod parameter;
pub mod plan;
mod policy;
mod position;
pub mod request;
pub mod rewrite;
pub mod role;
pub mod script;
pub mod shape;
mod statement;
pub mod suggest;
mod survey;
mod tree;
pub mod verify;

pub use self::{
    building::{Names, NewIndex, Tree, given_away},
    calls::{ConditionCall, Often, condition_calls, wrap_calls},
    class::{BULK_ROWS, Class, Classified},
    lookup::Lookup,
    parameter::Parameter,
    policy::{Compared, PolicySubquery, PolicyText, Way, policy_text},
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
/// lists alone. Sixteen hexadecimal digits, the same as other users of `libpg_query` 18 show.
///
/// As PostgreSQL 18 does, it takes a table by its alias where it has one: `FROM orders t` and `FROM stock t` share a
/// fingerprint. What groups statements uses [`group_key`].
pub fn fingerprint(text: &str) -> Result<String, Refused> {
    let found = pg_query::fingerprint(text, 0, 0);
    found.map(|found| found.hex).map_err(Refused::from)
}

/// What statements are grouped by: equal where the fingerprints are and the tables bear the same names. It is the
/// fingerprint itself where no alias hides a table; else a number for the tables stands behind it:
/// `a7c59f12a1b6f3ce.51f2a0d4`. Schemas make no difference, as in the fingerprint: a statement is one for all tenants.
pub fn group_key(text: &str) -> Result<String, Refused> {
    let shown = fingerprint(text)?;
    let options = pg_query::FingerprintOptions::RANGEVAR_IGNORE_ALIASES;
    let by_tables = pg_query::fingerprint(text, 0, options)?;
    if by_tables.hex == shown {
        Ok(shown)
    } else {
        Ok(format!("{shown}.{:08x}", by_tables.value >> 32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_hides_no_table_from_the_group() {
        let text = |table: &str| {
            format!("select t.id from {table} t join users u on u.id = t.user_id where t.id = 7")
        };
        let both = |name: &str| {
            let text = text(name);
            (fingerprint(&text).unwrap(), group_key(&text).unwrap())
        };
        let (orders, stock) = (both("orders"), both("stock"));
        assert_eq!(orders.0, stock.0, "the parser's own fingerprint takes the alias for the name");
        assert_ne!(orders.1, stock.1);
        assert!(orders.1.starts_with(&orders.0), "{orders:?}");
        assert_eq!(both("orders"), both("tenant_a.orders"));
    }

    #[test]
    fn a_group_is_called_by_its_fingerprint_where_nothing_is_hidden() {
        for text in ["select a from t where id = 1", "update t set a = 1", "begin", "vacuum t"] {
            assert_eq!(group_key(text), fingerprint(text), "{text}");
        }
        assert!(group_key("selec").is_err());
    }
}
