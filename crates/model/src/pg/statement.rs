//! `pg_stat_statements`: its state, and the statements that lead any ranking.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Whether and how statements are collected by the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    pub is_preloaded: bool,
    /// Database and version where the extension is installed; `None` if nowhere we looked.
    pub installed_in: Option<String>,
    pub extension_version: Option<String>,
    pub available_version: Option<String>,
    pub schema: Option<String>,
    /// `none`, `top`, `all`.
    pub track: Option<String>,
    pub track_planning: Option<bool>,
    pub max_entries: Option<i64>,
    pub entries: Option<i64>,
    /// Entries thrown out since `stats_reset` (14+).
    pub deallocations: Option<i64>,
    pub stats_reset: Option<Timestamp>,
    pub text_file_bytes: Option<i64>,
}

/// Totals over all entries, and the entries that lead any ranking.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statements {
    /// Entries read.
    pub entries: i64,
    pub total_calls: i64,
    pub total_exec_time_ms: f64,
    pub total_wal_bytes: i64,
    pub since: Option<Timestamp>,
    /// Leaders of the rankings by total time, mean time, calls, I/O time, spread, temp, WAL, reads,
    /// rows, planning and JIT; each entry once.
    pub leaders: Vec<Statement>,
}

/// One entry. Times in milliseconds, blocks in `block_size_bytes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statement {
    pub query_id: i64,
    pub user: Option<String>,
    pub database: Option<String>,
    /// `false`: nested in a function (14+).
    pub is_top_level: bool,
    /// Normalised text, first 10,000 characters; `None` where the role may not see it.
    pub text: Option<String>,
    pub calls: i64,
    pub rows: i64,
    pub total_exec_time_ms: f64,
    pub min_exec_time_ms: f64,
    pub max_exec_time_ms: f64,
    pub mean_exec_time_ms: f64,
    pub stddev_exec_time_ms: f64,
    pub plans: i64,
    pub total_plan_time_ms: f64,
    pub shared_blocks_hit: i64,
    pub shared_blocks_read: i64,
    pub shared_blocks_dirtied: i64,
    pub shared_blocks_written: i64,
    pub local_blocks_read: i64,
    pub temp_blocks_read: i64,
    pub temp_blocks_written: i64,
    pub block_read_time_ms: f64,
    pub block_write_time_ms: f64,
    /// 15+.
    pub temp_read_time_ms: f64,
    pub temp_write_time_ms: f64,
    pub wal_records: i64,
    pub wal_fpi: i64,
    pub wal_bytes: i64,
    /// All JIT phases together (15+).
    pub jit_time_ms: Option<f64>,
    pub jit_functions: Option<i64>,
    /// 17+.
    pub stats_since: Option<Timestamp>,
}
