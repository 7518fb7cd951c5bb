//! Sessions, lock waits, running maintenance.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One row of `pg_stat_activity`, never one of our own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    pub pid: i64,
    pub leader_pid: Option<i64>,
    pub database: Option<String>,
    pub user: Option<String>,
    pub application: String,
    /// Text of the address; `None` on a unix socket.
    pub client_address: Option<String>,
    /// `client backend`, `walsender`, `autovacuum worker`, `logical replication worker` …
    pub backend_type: String,
    /// `active`, `idle`, `idle in transaction` …; `None` for background processes, or hidden.
    pub state: Option<String>,
    pub wait_event_type: Option<String>,
    pub wait_event: Option<String>,
    pub backend_started_at: Option<Timestamp>,
    pub transaction_started_at: Option<Timestamp>,
    pub query_started_at: Option<Timestamp>,
    pub state_changed_at: Option<Timestamp>,
    /// Age in transactions of the snapshot this session holds.
    pub xmin_age: Option<i64>,
    pub xid_age: Option<i64>,
    /// First 1,000 characters with literals masked; `<insufficient privilege>` where hidden.
    pub query: String,
    pub query_id: Option<i64>,
    /// `pg_stat_ssl.ssl`.
    pub tls: Option<bool>,
    /// `pg_blocking_pids`; asked only for sessions that wait for a lock.
    pub blocked_by: Vec<i64>,
}

/// Who waits for which lock, and how full the lock table is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Locks {
    /// Heavyweight locks held or awaited now (fast-path ones excluded: they take no slot).
    pub in_table: i64,
    pub waits: Vec<LockWait>,
}

/// One lock a session waits for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockWait {
    pub pid: i64,
    /// `relation`, `transactionid`, `tuple`, `advisory` …
    pub lock_type: String,
    pub mode: String,
    pub database: Option<String>,
    /// `oid` of the relation, which only its own database can name.
    pub relation_oid: Option<i64>,
    /// Name, where the relation lives in the database we are connected to.
    pub relation: Option<String>,
    /// `pg_locks.waitstart`, 14+.
    pub waiting_since: Option<Timestamp>,
}

/// One row of `pg_prepared_xacts`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PreparedTransaction {
    pub gid: String,
    pub owner: String,
    pub database: String,
    pub prepared_at: Option<Timestamp>,
    pub xid_age: i64,
}

/// One running vacuum: `pg_stat_progress_vacuum`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VacuumProgress {
    pub pid: i64,
    pub database: String,
    pub relation_oid: i64,
    /// Name, where it lives in the database we are connected to.
    pub relation: Option<String>,
    pub phase: String,
    pub heap_blocks_total: i64,
    pub heap_blocks_scanned: i64,
    pub index_vacuum_count: i64,
    pub is_autovacuum: bool,
    /// Autovacuum says so in its activity text.
    pub to_prevent_wraparound: bool,
    pub started_at: Option<Timestamp>,
}

/// One running index build: `pg_stat_progress_create_index`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexBuild {
    pub pid: i64,
    pub database: String,
    pub relation_oid: i64,
    pub index_oid: i64,
    pub command: String,
    pub phase: String,
}
