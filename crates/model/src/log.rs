//! What a server's log tells: statements by fingerprint, errors, waits, maintenance, sessions.
//!
//! A section of which the log holds no record is unavailable: from the log alone nobody can tell whether nothing
//! happened or nothing was logged.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

mod activity;
mod statements;

pub use self::{
    activity::{
        Checkpoints, Connections, Deadlock, DeadlockParty, ErrorGroup, Errors, Incident, LockWait,
        LockWaits, Maintained, Maintenance, TempFiles, TempUser,
    },
    statements::{
        Bucket, Dropped, Example, Latency, LoggedStatement, NamedCount, Repeat, Repeats,
        StatementsLogged,
    },
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Section;

/// Everything read of one log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSnapshot {
    /// The files it was read from, oldest first.
    pub sources: Vec<Source>,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    pub bytes: i64,
    pub records: i64,
    /// Records by severity, in the order of severity; severities without a record are left out.
    pub severities: Vec<NamedCount>,
    /// Lines that are no part of a record.
    pub unread: Unread,
    /// A time zone whose offset is not known; its times were taken for UTC.
    pub unknown_zone: Option<String>,
    /// The English name of the language of messages; `None`: English, or not known.
    pub language: Option<String>,
    pub statements: Section<StatementsLogged>,
    pub repeats: Section<Repeats>,
    pub errors: Section<Errors>,
    pub lock_waits: Section<LockWaits>,
    pub temp_files: Section<TempFiles>,
    pub checkpoints: Section<Checkpoints>,
    pub autovacuum: Section<Maintenance>,
    pub connections: Section<Connections>,
    /// What happened, hour by hour, oldest first; hours without a record are left out.
    pub hours: Vec<Hour>,
}

/// One file, or standard input.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Source {
    pub name: String,
    /// `csv`, `json`, `stderr`, `syslog`.
    pub format: String,
    /// `gzip`, `zstd`.
    pub compression: Option<String>,
    /// The value of `log_line_prefix` it was read with; `None`: each line was read as far as it told itself.
    pub prefix: Option<String>,
    /// Decompressed bytes that were read.
    pub bytes: i64,
    pub records: i64,
    /// Decompressed bytes that an earlier run had read, and this one left out.
    pub resumed_at: i64,
    /// It ended before its end, and why.
    pub problem: Option<String>,
}

/// Lines that are no part of a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unread {
    pub lines: i64,
    pub bytes: i64,
    /// The first of them, cut and escaped.
    pub examples: Vec<String>,
    /// Records that were longer than the limit and are cut.
    pub cut_records: i64,
}

/// What happened within an hour.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hour {
    pub at: Timestamp,
    pub records: i64,
    pub statements: i64,
    pub total_ms: f64,
    pub p95_ms: Option<f64>,
    pub errors: i64,
    pub connections: i64,
    /// Most connections within one second.
    pub connections_peak: i64,
    pub lock_waits: i64,
    pub temp_bytes: i64,
    pub checkpoints: i64,
}

impl LogSnapshot {
    /// Seconds from the first record to the last.
    pub fn seconds(&self) -> Option<f64> {
        let (first, last) = (self.first_at?, self.last_at?);
        Some(last.duration_since(first).as_secs_f64().max(0.0))
    }

    /// Records of a severity.
    pub fn of_severity(&self, name: &str) -> i64 {
        self.severities.iter().find(|count| count.name == name).map_or(0, |count| count.count)
    }
}
