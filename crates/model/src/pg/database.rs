//! Databases of an instance.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One database: `pg_database` with `pg_stat_database` and its conflicts. Counters run since `stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Database {
    pub oid: i64,
    pub name: String,
    pub is_template: bool,
    pub allows_connections: bool,
    pub connection_limit: i64,
    pub encoding: String,
    /// `pg_database_size`; `None` where the role may not connect to it.
    pub size_bytes: Option<i64>,
    pub frozen_xid_age: i64,
    pub multixact_age: i64,
    pub backends: i64,
    pub commits: i64,
    pub rollbacks: i64,
    pub blocks_read: i64,
    pub blocks_hit: i64,
    pub rows_returned: i64,
    pub rows_fetched: i64,
    pub rows_inserted: i64,
    pub rows_updated: i64,
    pub rows_deleted: i64,
    pub conflicts: i64,
    pub temp_files: i64,
    pub temp_bytes: i64,
    pub deadlocks: i64,
    /// `None` where checksums are off.
    pub checksum_failures: Option<i64>,
    pub checksum_last_failure: Option<Timestamp>,
    pub block_read_time_ms: f64,
    pub block_write_time_ms: f64,
    /// 14+, as are the following session figures.
    pub session_time_ms: Option<f64>,
    pub active_time_ms: Option<f64>,
    pub idle_in_transaction_time_ms: Option<f64>,
    pub sessions: Option<i64>,
    pub sessions_abandoned: Option<i64>,
    pub sessions_fatal: Option<i64>,
    pub sessions_killed: Option<i64>,
    pub stats_reset: Option<Timestamp>,
    /// Conflicts by kind; all 0 on a primary.
    pub conflict_tablespace: i64,
    pub conflict_lock: i64,
    pub conflict_snapshot: i64,
    pub conflict_bufferpin: i64,
    pub conflict_deadlock: i64,
    /// Version recorded at creation and the one the operating system has now (15+).
    pub collation_version: Option<String>,
    pub collation_actual_version: Option<String>,
}
