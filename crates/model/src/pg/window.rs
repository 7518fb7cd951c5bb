//! What changed between two looks at the same server: counters as differences over a known time.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

mod between;
mod counter;
mod look;
mod sampled;
mod statement_change;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    between::between,
    sampled::{
        Sampled, SampledEvent, SampledLockWait, SampledLockWaits, SampledStatement, SampledTree,
    },
};
use super::{
    counters::{Archiver, Checkpoints, Io, Wal},
    database::Database,
    relation::Relation,
    series::Series,
    statement::Statement,
};

/// Differences over `seconds`. A counter that fell (a reset, a restart, an evicted entry) is absent, never negative.
///
/// In the rows below counters hold their difference; sizes, ages, estimates and times of day are those of the
/// second look. A rate of something seen only once is unknown, so it is absent too.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    pub seconds: f64,
    pub databases: Vec<Database>,
    /// Entries called in the window. `mean` and `stddev` are of these calls; `min` is unknown and 0, as is `max`
    /// unless its record was broken in the window.
    pub statements: Vec<Statement>,
    pub total_calls: i64,
    pub total_exec_time_ms: f64,
    pub checkpoints: Option<Checkpoints>,
    /// `position_bytes` is the WAL written in the window.
    pub wal: Option<Wal>,
    pub archiver: Option<Archiver>,
    pub io: Vec<Io>,
    /// Counter differences of tables, by database name.
    pub relations: Vec<(String, Vec<Relation>)>,
    /// What sessions did, seen by many looks; only where the window was watched, not where it lies between two
    /// saved snapshots.
    pub sampled: Option<Sampled>,
    /// What statements did in each of many intervals; likewise.
    pub series: Option<Series>,
}

/// One look at the counters of a server. What could not be read is empty or `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    /// Start of the server: when it differs, nothing is comparable.
    pub started_at: Option<Timestamp>,
    pub databases: Vec<Database>,
    /// Start of the statements' counters.
    pub statements_since: Option<Timestamp>,
    pub statements: Vec<Statement>,
    pub checkpoints: Option<Checkpoints>,
    pub wal: Option<Wal>,
    pub archiver: Option<Archiver>,
    pub io: Vec<Io>,
    pub relations: Vec<(String, Vec<Relation>)>,
}
