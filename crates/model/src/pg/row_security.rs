//! What row-level security costs: the functions policies call, the indexes they keep from being used.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use serde::{Deserialize, Serialize};

use crate::{Section, plan::Plan};

/// A function of the user's own that a policy calls. Counters run since the database's `stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyFunction {
    pub table_oid: i64,
    pub schema: String,
    pub table: String,
    pub policy: String,
    pub function_oid: i64,
    pub function_schema: String,
    pub function: String,
    /// `pg_get_function_identity_arguments`.
    pub arguments: String,
    pub language: String,
    /// `i` immutable, `s` stable, `v` volatile.
    pub volatility: String,
    /// It runs with the rights of its owner, and is never inlined.
    pub is_security_definer: bool,
    /// In units of `cpu_operator_cost`.
    pub cost: f64,
    /// `None` where calls are not counted (`track_functions`) or none was seen.
    pub calls: Option<i64>,
    pub total_time_ms: Option<f64>,
    pub self_time_ms: Option<f64>,
}

/// An index of a table with row-level security in force.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardedIndex {
    pub oid: i64,
    pub table_oid: i64,
    pub schema: String,
    pub name: String,
    pub table: String,
    pub method: String,
    /// The first key; `None` for an expression.
    pub first_column: Option<String>,
    /// The first key's operators that can search it, by name.
    pub operators: Vec<String>,
    /// Whether any operator that searches it is leakproof (for a B-tree: equality); `None` for an expression.
    pub is_leakproof: Option<bool>,
    pub is_constraint: bool,
    pub scans: i64,
}

/// What policies do to statements: planned, and on request executed, with them and without.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyCosts {
    /// Reads of whole tables, by table and role.
    pub reads: Vec<PolicyRead>,
    /// The user's own statements, by statement and role.
    pub statements: Vec<GuardedStatement>,
    /// Indexes that were tried out without being built.
    pub tried: Vec<TriedIndex>,
    /// Settings (`app.tenant`) that policies ask for and nobody gave.
    pub unset: Vec<UnsetSetting>,
}

/// One table as one role reads it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyRead {
    pub table_oid: i64,
    pub schema: String,
    pub table: String,
    pub role: String,
    /// Roles to which the same policies apply, with the same settings: planned once.
    pub others: Vec<String>,
    /// Policies for reading that apply to the role: any of these lets a row through …
    pub permissive: Vec<String>,
    /// … if all of these do.
    pub restrictive: Vec<String>,
    /// How the whole table is read without policies.
    pub open: Section<Plan>,
    /// How the role reads it.
    pub guarded: Section<Plan>,
    /// What happened when both were executed.
    pub measured: Section<Evaluated>,
}

/// The time policies took, by executing the same read with and without them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evaluated {
    /// Rows that were put to the policies.
    pub rows: f64,
    /// The faster of two executions as the role.
    pub guarded_ms: f64,
    /// The faster of two that read the same rows and drop them without policies; `None` where an index finds the rows, so that
    /// no policy is asked about one, and the table is large.
    pub open_ms: Option<f64>,
    /// The whole table was read; otherwise a sample of its blocks.
    pub is_whole: bool,
}

/// A statement of the user's own under the policies of one role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GuardedStatement {
    pub text: String,
    pub role: String,
    pub open: Section<Plan>,
    pub guarded: Section<Plan>,
}

/// An index that exists in the mind of the planner alone (`hypopg`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TriedIndex {
    pub table_oid: i64,
    /// The columns, in order.
    pub columns: Vec<String>,
    pub role: String,
    pub cost_before: f64,
    pub cost_after: f64,
    /// The plan of the role's read of the table uses it.
    pub is_used: bool,
}

/// A setting that policies ask for and that has no value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnsetSetting {
    pub name: String,
    pub schema: String,
    pub table: String,
    pub policy: String,
}

impl PolicyRead {
    /// The table as a person would write it.
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

impl Evaluated {
    /// Milliseconds the policies add to each row they are asked about; not below zero, which is noise.
    pub fn per_row_ms(&self) -> f64 {
        let added = self.open_ms.map_or(0.0, |open| self.guarded_ms - open);
        if self.rows > 0.0 { (added / self.rows).max(0.0) } else { 0.0 }
    }
}
