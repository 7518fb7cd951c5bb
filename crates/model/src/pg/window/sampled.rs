//! What sessions did while the window was open, seen by looking at them many times.
#![expect(missing_docs, reason = "fields carry their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Sums over many short looks at the sessions. A mean of sessions is that over the looks, so that 2.5 means two
/// and a half sessions at any moment; times a window's seconds it is the time spent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampled {
    /// Looks that were answered.
    pub looks: i64,
    /// Looks that were not.
    pub failed: i64,
    /// Looks a second that were wanted; fewer were made where they would have cost too much.
    pub wanted_per_second: f64,
    pub seconds: f64,
    /// Time the server spent on all looks, by its own clock: at least its processor time.
    pub server_ms: f64,
    /// Sessions of clients and their parallel workers that were active.
    pub active_mean: f64,
    pub active_max: i64,
    /// Sessions at once whose state the role may not see; they are in none of the other figures.
    pub hidden_max: i64,
    /// The oldest transaction seen, and the oldest snapshot held, in transactions.
    pub longest_transaction_ms: f64,
    pub xmin_age_max: i64,
    /// What active sessions did, most time first: `CPU` stands for those that waited for nothing.
    pub events: Vec<SampledEvent>,
    /// Statements by the time sessions spent in them, most first (14+, where the server gives them ids).
    pub statements: Vec<SampledStatement>,
    /// Active sessions in statements that are not listed or have no id.
    pub other_statements_mean: f64,
    /// Trees of waiting sessions, longest wait first.
    pub trees: Vec<SampledTree>,
    pub lock_waits: SampledLockWaits,
}

/// Active sessions that waited for one event.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampledEvent {
    /// `IO`, `LWLock`, `Lock`, `Client` …, or `CPU`.
    pub class: String,
    /// The event; empty for `CPU`.
    pub event: String,
    pub sessions_mean: f64,
}

/// Active sessions in one statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampledStatement {
    pub query_id: i64,
    /// Normalised text, where it was read.
    pub text: Option<String>,
    pub sessions_mean: f64,
    /// What it did most.
    pub events: Vec<SampledEvent>,
}

/// Sessions that waited for one session's locks, directly or behind each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampledTree {
    /// Process id at the root; 0 for a prepared transaction.
    pub root: i64,
    pub user: Option<String>,
    pub application: String,
    /// `active`, `idle in transaction` … when it was last seen at the root.
    pub state: Option<String>,
    pub query_id: Option<i64>,
    pub backend_started_at: Option<Timestamp>,
    /// Sessions that waited at once.
    pub victims_max: i64,
    pub longest_ms: f64,
    /// Looks at the locks that saw it.
    pub looks: i64,
}

/// Waits for locks, each counted once with the longest time it was seen to last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampledLockWaits {
    pub waits: i64,
    pub waited_ms: f64,
    pub longest: Vec<SampledLockWait>,
}

/// One wait for a lock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampledLockWait {
    pub pid: i64,
    /// `transactionid`, `relation`, `tuple` …
    pub event: String,
    pub query_id: Option<i64>,
    pub waited_ms: f64,
}

impl Sampled {
    /// The share of one core the looks took, at most.
    pub fn cost_ratio(&self) -> f64 {
        if self.seconds > 0.0 { self.server_ms / 1000.0 / self.seconds } else { 0.0 }
    }

    /// Active sessions on average in each class of waits, most first.
    pub fn classes(&self) -> Vec<(&str, f64)> {
        let mut classes: Vec<(&str, f64)> = Vec::new();
        for event in &self.events {
            match classes.iter_mut().find(|(class, _)| *class == event.class) {
                Some((_, sum)) => *sum += event.sessions_mean,
                None => classes.push((&event.class, event.sessions_mean)),
            }
        }
        classes.sort_by(|one, other| other.1.total_cmp(&one.1));
        classes
    }
}
