//! Servers of one PostgreSQL cluster seen together: who follows whom, how far behind, and fit to take over or not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A primary with its standbys, as far as they are known. Field names are final.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Cluster {
    /// The name of the primary's target; of the first target where the primary was not audited.
    pub name: String,
    /// The primary first, then standbys below whom they follow.
    pub nodes: Vec<ClusterNode>,
    /// Nodes that are known to exist and were not audited, in words.
    pub unseen: Vec<String>,
    /// Over what `read_ratio` was measured; `None` where it was not.
    pub reads: Option<ReadBasis>,
    /// What is odd about the cluster as a whole, in sentences.
    pub notes: Vec<String>,
}

/// One server of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClusterNode {
    /// The target's name; for a standby only its primary told of, `application@address`.
    pub name: String,
    /// Whether it was a target itself, rather than only told of by the server it follows.
    pub audited: bool,
    /// `primary` or `standby`.
    pub role: String,
    /// The node it follows, where that is known.
    pub upstream: Option<String>,
    /// The timeline it writes or replays.
    pub timeline: Option<i64>,
    /// As the server it follows sees it: `streaming`, `catchup`, `startup` …; `None` where nobody sees it.
    pub state: Option<String>,
    /// `async`, `potential`, `sync`, `quorum`.
    pub sync_state: Option<String>,
    /// The slot that keeps WAL for it.
    pub slot: Option<String>,
    /// How far behind; `None` where the role may not see it.
    pub lag: Lag,
    /// Queries that replay cancelled since statistics began, in all databases.
    pub conflicts: Option<i64>,
    /// Its share of the block requests of all audited nodes, 0–1.
    pub read_ratio: Option<f64>,
    /// Settings that differ from the primary's.
    pub settings: Vec<SettingDifference>,
    /// What a failover to it needs, point by point; empty for a primary.
    pub failover: Vec<FailoverPoint>,
}

/// Distance to the server followed, in bytes of WAL and in the time the last confirmed WAL took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Lag {
    /// Not yet written by the standby.
    pub write_bytes: Option<i64>,
    /// Not yet flushed.
    pub flush_bytes: Option<i64>,
    /// Not yet replayed.
    pub replay_bytes: Option<i64>,
    /// Time until written, in milliseconds; `None` where caught up and idle, too.
    pub write_ms: Option<f64>,
    /// Time until flushed, in milliseconds.
    pub flush_ms: Option<f64>,
    /// Time until replayed, in milliseconds.
    pub replay_ms: Option<f64>,
}

/// A setting with its value on both sides, as people read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingDifference {
    /// The setting.
    pub name: String,
    /// Its value on the primary.
    pub primary: String,
    /// Its value on the standby.
    pub standby: String,
}

/// One condition of a failover.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailoverPoint {
    /// What is asked.
    pub label: String,
    /// Whether it holds; `None` where it could not be seen, which is not a pass.
    pub met: Option<bool>,
    /// What was seen.
    pub note: String,
    /// Where it was seen.
    pub source: String,
    /// Without it a failover fails or loses much.
    pub vital: bool,
}

/// Over what reads were counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadBasis {
    /// Between two looks, so many seconds apart.
    Window(f64),
    /// Since each node's statistics began; the youngest are so many seconds old.
    Lifetime(f64),
}

impl ClusterNode {
    /// Points met, failed and unknown.
    pub fn failover_counts(&self) -> (usize, usize, usize) {
        let count = |met| self.failover.iter().filter(|point| point.met == met).count();
        (count(Some(true)), count(Some(false)), count(None))
    }
}
