//! Policies of large tables: which are judged, by what, and what a finding on one always tells.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{relation::Relation, security::Policy},
};

use crate::{
    check::Threshold,
    context::Context,
    pg::table::{
        descendants::rows_of,
        ordinary::{by_oid, is_users, not_twice},
    },
    skip::Skip,
    view::DatabaseView,
    words,
};

/// What policies may take of a read.
pub static EVALUATION: Threshold = Threshold {
    key: "max_evaluation_ms",
    unit: Unit::Ms,
    default: 10.0,
    strict: None,
    range: (0.001, 3_600_000.0),
    why: "a simple read is meant to take ten milliseconds in all; the permission to read must not cost as much",
};

/// Rows from which on the policies of a table are judged: where a read of all of them takes milliseconds. `why` tells what
/// of them costs that much.
pub const fn min_rows(why: &'static str) -> Threshold {
    Threshold {
        key: "min_rows",
        unit: Unit::Count,
        default: 10_000.0,
        strict: None,
        range: (0.0, 1e12),
        why,
    }
}

/// A policy in force on a user's table.
#[derive(Debug, Clone, Copy)]
pub struct InForce<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// Its table.
    pub table: &'a Relation,
    /// The database's name.
    database: &'a str,
    /// Rows of the table.
    rows: f64,
    /// Rows from which on it is judged.
    limit: f64,
}

/// The policies in force on tables of at least `least` rows. A standby whose primary is judged has none.
pub fn in_force<'a>(
    db: &DatabaseView<'a>,
    cx: &Context<'_>,
    least: &Threshold,
) -> Result<Vec<InForce<'a>>, Skip> {
    let (policies, relations) = (db.policies()?, db.relations()?);
    not_twice(db)?;
    let judged = |policy: &'a Policy| {
        let table = by_oid(relations, policy.table_oid)?;
        let limit = cx.limit_for(least, &table.qualified());
        let rows = rows_of(relations, table);
        (table.row_security && is_users(table) && rows >= limit).then(|| InForce {
            policy,
            table,
            database: db.name(),
            rows,
            limit,
        })
    };
    Ok(policies.iter().filter_map(judged).collect())
}

impl InForce<'_> {
    /// Its condition on rows that are there; empty where it has none.
    pub fn using(&self) -> &str {
        self.policy.using_expression.as_deref().unwrap_or_default()
    }

    /// A remark on the policy, with its text and the size of its table. `what` goes on after its name.
    pub fn finding(&self, cx: &Context<'_>, what: &str, advice: impl Into<String>) -> Finding {
        let (table, name) = (self.table.qualified(), &self.policy.name);
        let subject = Subject::within("policy", self.database, format!("{table}.{name}"));
        let message = format!("policy {name} of {table} {what}");
        cx.finding(Severity::Info, subject.of_table(&table), message, advice)
            .with(Evidence::new(
                "policy",
                words::shorten(self.using(), 200),
                Unit::Text,
                "pg_policy",
            ))
            .with(
                Evidence::new("rows of the table", self.rows, Unit::Count, "pg_class.reltuples")
                    .against(self.limit),
            )
    }
}
