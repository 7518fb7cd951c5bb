//! Replication seen from both ends.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One row of `pg_stat_replication`; byte lags are measured from this server's own position.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    pub pid: i64,
    pub user: Option<String>,
    pub application: String,
    pub client_address: Option<String>,
    pub client_port: Option<i64>,
    /// `startup`, `catchup`, `streaming`, `backup`, `stopping`.
    pub state: Option<String>,
    /// `async`, `potential`, `sync`, `quorum`.
    pub sync_state: Option<String>,
    pub sync_priority: Option<i64>,
    pub sent_lag_bytes: Option<i64>,
    pub write_lag_bytes: Option<i64>,
    pub flush_lag_bytes: Option<i64>,
    pub replay_lag_bytes: Option<i64>,
    /// `None` when the standby is caught up and idle: no news is no lag.
    pub write_lag_ms: Option<f64>,
    pub flush_lag_ms: Option<f64>,
    pub replay_lag_ms: Option<f64>,
    pub reply_at: Option<Timestamp>,
    pub backend_started_at: Option<Timestamp>,
    /// A logical subscriber or a base backup rather than a physical standby.
    pub is_logical: bool,
    pub slot_name: Option<String>,
    /// Age in transactions of what hot-standby feedback holds.
    pub xmin_age: Option<i64>,
}

/// One row of `pg_replication_slots`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slot {
    pub name: String,
    /// `physical` or `logical`.
    pub kind: String,
    pub plugin: Option<String>,
    pub database: Option<String>,
    pub active: bool,
    pub temporary: bool,
    pub xmin_age: Option<i64>,
    pub catalog_xmin_age: Option<i64>,
    /// WAL between the slot's restart position and this server's position.
    pub retained_bytes: Option<i64>,
    /// `reserved`, `extended`, `unreserved`, `lost`.
    pub wal_status: Option<String>,
    /// Bytes that can still be written before the slot is lost; `None` when unlimited.
    pub safe_wal_bytes: Option<i64>,
    /// 17+.
    pub inactive_since: Option<Timestamp>,
    /// 17+ (`wal_removed`, `rows_removed`, `wal_level_insufficient`, `idle_timeout`).
    pub invalidation_reason: Option<String>,
    /// 16+, logical only.
    pub conflicting: Option<bool>,
}

/// What a standby knows of itself. Collected only in recovery.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recovery {
    /// `streaming`, `stopping` …; `None` when no receiver runs.
    pub receiver_status: Option<String>,
    pub sender_host: Option<String>,
    pub sender_port: Option<i64>,
    pub slot_name: Option<String>,
    /// The application name its receiver connects with.
    pub application: Option<String>,
    pub is_paused: bool,
    pub received_bytes: Option<i64>,
    pub replayed_bytes: Option<i64>,
    /// Received but not yet replayed.
    pub replay_lag_bytes: Option<i64>,
    pub last_replayed_at: Option<Timestamp>,
    pub last_message_at: Option<Timestamp>,
    pub timeline: Option<i64>,
}

/// One subscription of the instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    pub name: String,
    pub database: Option<String>,
    pub enabled: Option<bool>,
    /// Of the apply worker; `None` when it does not run.
    pub worker_pid: Option<i64>,
    pub last_message_at: Option<Timestamp>,
    /// 15+.
    pub apply_errors: Option<i64>,
    pub sync_errors: Option<i64>,
    pub stats_reset: Option<Timestamp>,
}
