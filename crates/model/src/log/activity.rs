//! Errors, waits, maintenance and sessions a log tells of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Latency, NamedCount};

/// Errors, and what befell the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Errors {
    /// Most frequent first.
    pub groups: Vec<ErrorGroup>,
    /// Records of groups that were left out of memory because of their number.
    pub dropped: i64,
    /// Crashes, starts, failed archiving, broken replication: most frequent first.
    pub incidents: Vec<Incident>,
}

/// Errors of the same words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorGroup {
    pub severity: String,
    /// Five characters, where the log carries them.
    pub sqlstate: Option<String>,
    /// What it is about: `timeout`, `authentication`, `connections`, `deadlock`, `cancelled`, `constraint`, `syntax`, `other` …
    pub class: String,
    /// The message with `…` for names and numbers.
    pub message: String,
    pub count: i64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// The last of them, as it was logged, cut.
    pub example: String,
    pub detail: Option<String>,
    /// The statement of the last of them.
    pub statement: Option<String>,
    /// Addresses, databases, users, applications it came from.
    pub clients: Vec<NamedCount>,
    pub databases: Vec<NamedCount>,
    pub users: Vec<NamedCount>,
    /// Most within one hour.
    pub peak_per_hour: i64,
}

/// Something that befell the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Incident {
    /// `crash`, `start`, `recovery`, `shutdown`, `archiver`, `replication`, `slot`, `corruption`, `wraparound`, `disk`, `worker`.
    pub kind: String,
    pub count: i64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    /// The last of them, cut.
    pub example: String,
}

/// Waits for locks that lasted longer than `deadlock_timeout`, and deadlocks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockWaits {
    /// Waits that began.
    pub waits: i64,
    /// Waits that ended with the lock.
    pub acquired: i64,
    /// Of those that ended with the lock.
    pub total_ms: f64,
    pub longest_ms: f64,
    /// By mode, kind of object and statement; longest in sum first.
    pub groups: Vec<LockWait>,
    pub deadlocks: i64,
    /// The first and the last of them.
    pub deadlock_examples: Vec<Deadlock>,
}

/// Waits of one statement for one kind of lock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockWait {
    /// `ShareLock`.
    pub mode: String,
    /// `transaction`, `tuple of relation 16384`, `relation 16384 of database 5`.
    pub object: String,
    pub waits: i64,
    pub acquired: i64,
    pub total_ms: f64,
    pub longest_ms: f64,
    /// The statement that waited, as it was logged, cut.
    pub statement: Option<String>,
    pub fingerprint: Option<String>,
    /// The last statement the holder was seen with, and how often.
    pub holders: Vec<NamedCount>,
    pub last_at: Option<Timestamp>,
}

/// One deadlock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Deadlock {
    pub at: Option<Timestamp>,
    pub database: String,
    pub parties: Vec<DeadlockParty>,
    /// The process that was cancelled.
    pub victim: i64,
}

/// One of those who waited for each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeadlockParty {
    pub pid: i64,
    /// `ShareLock on transaction 742`.
    pub waits_for: String,
    pub blocked_by: i64,
    pub statement: Option<String>,
}

/// Temporary files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TempFiles {
    pub files: i64,
    pub bytes: i64,
    pub largest_bytes: i64,
    /// Most bytes first.
    pub users: Vec<TempUser>,
}

/// A statement that wrote temporary files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TempUser {
    pub fingerprint: String,
    pub text: String,
    pub files: i64,
    pub bytes: i64,
}

/// Checkpoints and restartpoints.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoints {
    /// That ended.
    pub complete: i64,
    pub by_time: i64,
    pub by_wal: i64,
    /// Asked for, or at shutdown and the like.
    pub by_other: i64,
    /// Warnings that they come too often.
    pub too_frequent: i64,
    /// Smallest distance such a warning told, in seconds.
    pub closest_seconds: Option<f64>,
    pub buffers: i64,
    pub write_seconds: f64,
    pub sync_seconds: f64,
    pub longest_sync_seconds: f64,
    pub total_seconds: f64,
    /// Longest one, in seconds.
    pub longest_seconds: f64,
    pub wal_bytes: i64,
}

/// Work of autovacuum.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Maintenance {
    /// Longest in sum first.
    pub tables: Vec<Maintained>,
    pub vacuums: i64,
    pub analyzes: i64,
    pub total_seconds: f64,
    /// Times a vacuum was cancelled for somebody else's lock.
    pub cancelled: i64,
    /// Tables that were left out of memory because of their number.
    pub dropped: i64,
}

/// Work of autovacuum on one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Maintained {
    /// `database.schema.table`.
    pub name: String,
    pub vacuums: i64,
    pub analyzes: i64,
    /// Vacuums that read every page, and those to prevent wraparound.
    pub aggressive: i64,
    pub to_prevent_wraparound: i64,
    pub elapsed_seconds: f64,
    pub longest_seconds: f64,
    pub rows_removed: i64,
    /// Rows left, of the last vacuum.
    pub rows_remain: i64,
    /// Dead rows some transaction may still see: of the last vacuum, and the most.
    pub dead_not_removable: i64,
    pub most_dead_not_removable: i64,
    /// Vacuums that removed no row though dead ones were there.
    pub in_vain: i64,
    /// Vacuums that went over the indexes more than once.
    pub several_index_scans: i64,
    pub pages_remain: i64,
    pub wal_bytes: i64,
    pub last_at: Option<Timestamp>,
}

/// Connections and sessions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connections {
    pub received: i64,
    pub authorized: i64,
    pub disconnected: i64,
    /// Most within one second, and when.
    pub peak_per_second: i64,
    pub peak_at: Option<Timestamp>,
    /// Mean per second over the minute with the most.
    pub peak_minute_per_second: f64,
    /// Durations of the sessions that ended.
    pub sessions: Option<Latency>,
    /// Sessions of less than a second.
    pub short_sessions: i64,
    /// Where connections came from, most first.
    pub clients: Vec<NamedCount>,
    pub users: Vec<NamedCount>,
    pub databases: Vec<NamedCount>,
    pub applications: Vec<NamedCount>,
    /// Clients that went away without a word.
    pub lost: i64,
}
