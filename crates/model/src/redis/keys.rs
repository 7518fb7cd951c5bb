//! What a look at the keys found.
#![expect(missing_docs, reason = "fields carry their unit in the name")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A look at the keyspace by SCAN: bounded, or of every key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeySample {
    /// `places`: a few places of the key table; `survey`: every name, details of some; `all`: details of every key.
    pub way: String,
    /// Keys asked for their details.
    pub sampled: i64,
    /// Keys whose name was seen; equal to `sampled` unless this is a survey.
    pub named: i64,
    /// Keys in the databases the sample was drawn from.
    pub total: i64,
    /// Every key was seen and asked.
    pub is_complete: bool,
    /// Every name was seen.
    pub has_every_name: bool,
    /// Names that SCAN gave more than once (estimated above 131,072 keys), left out of all numbers where known.
    pub repeated: i64,
    /// Per inferred pattern.
    pub patterns: Vec<KeyPattern>,
    /// The largest keys seen.
    pub largest: Vec<KeyInfo>,
    /// The most often used of the keys asked (where the eviction policy is one of the LFU kind).
    pub hottest: Vec<KeyInfo>,
    /// The longest unused of the keys asked.
    pub idlest: Vec<KeyInfo>,
    /// The longest names seen.
    pub longest_names: Vec<KeyInfo>,
    /// Keys looked at that have a time to live.
    pub expiring: i64,
    /// Most of those keys that will expire within one and the same minute.
    pub expiring_in_fullest_minute: i64,
    /// Keys looked at by the time they have left.
    pub ttl: Vec<TtlBucket>,
    /// Keys by how they are stored, of a part of the keys asked.
    pub encodings: Vec<EncodingUse>,
    /// Hit ratios that the application publishes.
    pub hits: Vec<PatternHits>,
    /// How the sizes compare with what the server says it holds.
    pub reconciled: Option<Reconciled>,
    /// The servers that were asked, and those that could not be.
    pub nodes: Vec<ScannedNode>,
    /// In a cluster: the slots with most keys, the fullest first.
    pub slots: Vec<SlotUse>,
    /// What a reader must know to judge the numbers.
    pub notes: Vec<String>,
    /// Time spent, of all runs where it was resumed.
    pub seconds: f64,
    /// Slowest PING on a second connection meanwhile, less what it takes on the idle server.
    pub added_latency_ms: Option<f64>,
}

/// Keys whose names differ only in their variable parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyPattern {
    /// `auction:*:bids`.
    pub pattern: String,
    pub database: i64,
    /// Keys asked for their details; the next numbers are of these.
    pub keys: i64,
    pub memory_bytes: i64,
    pub without_ttl: i64,
    pub types: BTreeMap<String, i64>,
    pub name_bytes: i64,
    pub largest_bytes: i64,
    /// Half of the keys are smaller.
    pub median_bytes: i64,
    /// 99 of 100 keys are smaller.
    pub p99_bytes: i64,
    /// Mean time since the last use, of the keys asked for it.
    pub idle_seconds: Option<i64>,
    /// Mean of the logarithmic use counter (0–255), of the keys asked for it.
    pub frequency: Option<i64>,
    /// How keys of it are stored, of the keys asked for it.
    pub encodings: Vec<EncodingUse>,
    /// What this says of all keys; `None` in snapshots of older versions.
    pub share: Option<KeyShare>,
}

/// An estimate for all keys of a pattern, with 95 % margins (0: exact).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyShare {
    pub keys: f64,
    pub keys_margin: f64,
    pub memory_bytes: f64,
    pub memory_margin_bytes: f64,
    /// Of the memory of all keys.
    pub memory_ratio: f64,
    pub memory_ratio_margin: f64,
}

/// One key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyInfo {
    pub name: String,
    pub database: i64,
    pub kind: String,
    pub encoding: Option<String>,
    pub memory_bytes: i64,
    pub elements: Option<i64>,
    /// `None`: never expires.
    pub ttl_ms: Option<i64>,
    /// Time since the last use.
    pub idle_seconds: Option<i64>,
    /// Logarithmic use counter, 0–255.
    pub frequency: Option<i64>,
    /// Length of the whole name.
    pub name_bytes: i64,
}

/// Keys that expire within a span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TtlBucket {
    /// The span ends here; `None`: keys that never expire.
    pub within_seconds: Option<i64>,
    pub keys: i64,
}

/// Keys of one type stored in one way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EncodingUse {
    pub kind: String,
    pub encoding: String,
    pub keys: i64,
    pub memory_bytes: i64,
    /// Keys asked for their number of elements, and the sum of the answers.
    pub counted_keys: i64,
    pub elements: i64,
    /// Memory of the keys counted.
    pub counted_bytes: i64,
}

/// What an application says of its own cache, summed up by the pattern of the keys that tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatternHits {
    pub pattern: String,
    pub database: i64,
    pub keys: i64,
    pub hits: i64,
    pub lookups: i64,
}

/// The estimate beside the server's own number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reconciled {
    /// What the keys must take, by the server's own account.
    pub expected_bytes: f64,
    /// What the looks at the keys add up to.
    pub estimated_bytes: f64,
    pub margin_bytes: f64,
    /// Share of the expected memory that no key seen accounts for, beyond the margin; 0 when there is none.
    pub unexplained_ratio: f64,
}

/// A server of the keyspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScannedNode {
    pub endpoint: String,
    /// `primary` or `replica`.
    pub role: String,
    /// Names seen there.
    pub keys: i64,
    /// Keys it has, in the databases walked.
    pub total: i64,
    /// Slots of a cluster it serves; 0 outside of one.
    pub slots: i64,
    /// `used_memory_dataset`.
    pub dataset_bytes: Option<i64>,
    /// Why its keys are missing, or some of them.
    pub problem: Option<String>,
}

/// A slot of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlotUse {
    pub slot: i64,
    /// Names seen in it, or what the server counts where it says so.
    pub keys: i64,
    /// Processor time of its commands, where the server keeps count (`CLUSTER SLOT-STATS`).
    pub cpu_us: Option<i64>,
    pub memory_bytes: Option<i64>,
    /// Bytes received and sent for it.
    pub network_bytes: Option<i64>,
}
