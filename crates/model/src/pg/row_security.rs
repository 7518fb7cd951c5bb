//! What row-level security costs: the functions policies call, the indexes they keep from being used.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use serde::{Deserialize, Serialize};

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
