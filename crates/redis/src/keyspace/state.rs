//! Everything a walk has found so far: what is resumed after an interruption.

use std::collections::BTreeMap;

use dbvitals_model::{Unavailable, redis::PatternHits};
use serde::{Deserialize, Serialize};

use super::{
    Way,
    book::Book,
    leaders::{Key, Leaders},
    repeats::Repeats,
    slots::Slots,
};
use crate::{Error, command::Command, unavailable::refused};

/// The form this version writes and reads.
const FORMAT: u32 = 1;

/// Upper ends of the spans that times to live are counted in, in seconds.
pub(crate) const TTL_ENDS: [i64; 7] =
    [60, 3600, 86_400, 7 * 86_400, 30 * 86_400, 90 * 86_400, 365 * 86_400];

/// Minutes in which expiries are counted one by one: 90 days.
const MINUTES: i64 = 90 * 24 * 60;

/// What a walk has found so far, and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    format: u32,
    pub(crate) way: Way,
    pub(crate) nodes: Vec<Node>,
    /// Servers that could not be reached.
    pub(crate) lost: Vec<Node>,
    pub(crate) books: BTreeMap<i64, Book>,
    pub(crate) repeats: Repeats,
    pub(crate) largest: Leaders,
    /// The largest that are not strings.
    pub(crate) collections: Leaders,
    pub(crate) hottest: Leaders,
    pub(crate) idlest: Leaders,
    pub(crate) longest: Leaders,
    pub(crate) expiring: u64,
    /// Expiries by minute from the beginning.
    pub(crate) minutes: BTreeMap<i64, u32>,
    pub(crate) hits: BTreeMap<String, PatternHits>,
    /// Keys read for their published counters.
    pub(crate) hits_read: usize,
    /// Keys we may not look at.
    pub(crate) hidden: u64,
    /// Names too long to be kept.
    pub(crate) too_long: u64,
    /// By database: places drawn, and the sum of the squares of their keys.
    pub(crate) places: BTreeMap<i64, (f64, f64)>,
    /// Of a cluster.
    #[serde(default)]
    pub(crate) slots: Slots,
    /// Commands that were refused, each once.
    pub(crate) refusals: BTreeMap<String, Unavailable>,
    pub(crate) notes: Vec<String>,
    pub(crate) seconds: f64,
    pub(crate) worst_ms: Option<f64>,
}

/// A server of the keyspace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) endpoint: String,
    pub(crate) is_replica: bool,
    /// `run_id` of `INFO`: another one means that cursors lead nowhere.
    pub(crate) run_id: Option<String>,
    pub(crate) databases: Vec<Database>,
    /// `used_memory_dataset`.
    pub(crate) dataset_bytes: Option<i64>,
    /// Slots of a cluster it serves.
    #[serde(default)]
    pub(crate) slots: i64,
    pub(crate) problem: Option<String>,
}

/// A database of a server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Database {
    #[serde(rename = "database")]
    pub(crate) number: i64,
    /// When the walk began.
    pub(crate) keys: i64,
    /// Keys with a time to live; `None` where nobody says.
    pub(crate) expires: Option<i64>,
    /// Where to go on.
    pub(crate) cursor: u64,
    pub(crate) is_done: bool,
    /// Only places were drawn.
    pub(crate) is_sampled: bool,
    /// Names given and not yet dealt with when the connection was lost; the first so many of them were noted already.
    #[serde(default)]
    pub(crate) pending: Vec<Vec<u8>>,
    #[serde(default)]
    pub(crate) pending_noted: usize,
    pub(crate) named: u64,
}

impl State {
    /// Nothing found yet.
    pub(crate) fn new(way: Way) -> Self {
        Self {
            format: FORMAT,
            way,
            nodes: Vec::new(),
            lost: Vec::new(),
            books: BTreeMap::new(),
            repeats: Repeats::default(),
            largest: Leaders::new(50),
            collections: Leaders::new(50),
            hottest: Leaders::new(20),
            idlest: Leaders::new(20),
            longest: Leaders::new(10),
            expiring: 0,
            minutes: BTreeMap::new(),
            hits: BTreeMap::new(),
            hits_read: 0,
            hidden: 0,
            too_long: 0,
            places: BTreeMap::new(),
            slots: Slots::default(),
            refusals: BTreeMap::new(),
            notes: Vec::new(),
            seconds: 0.0,
            worst_ms: None,
        }
    }

    /// Reads what [`Self::to_json`] wrote.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let state: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if state.format == FORMAT {
            Ok(state)
        } else {
            Err(format!("it has format {}, and this version reads {FORMAT}", state.format))
        }
    }

    /// The state as text, to go on from later.
    pub fn to_json(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }

    /// Whether every database that could be reached was walked to its end.
    pub(crate) fn is_done(&self) -> bool {
        self.databases().all(|database| database.is_done)
    }

    pub(crate) fn databases(&self) -> impl Iterator<Item = &Database> {
        self.nodes.iter().flat_map(|node| &node.databases)
    }

    /// Names seen.
    pub(crate) fn named(&self) -> u64 {
        self.databases().map(|database| database.named).sum()
    }

    /// Notes a refusal; of each command only the first.
    pub(crate) fn refuse(&mut self, command: Command, user: &str, error: &Error) {
        let name = if error.is_connection_lost() { String::new() } else { command.name() };
        self.refusals.entry(name).or_insert_with(|| refused(command, user, error));
    }

    /// Takes in a time to live, seen so long after the beginning.
    pub(crate) fn expires(&mut self, ttl_ms: i64, since_begun_ms: i64) {
        self.expiring += 1;
        let minute = ttl_ms.saturating_add(since_begun_ms) / 60_000;
        if minute < MINUTES {
            *self.minutes.entry(minute).or_default() += 1;
        }
    }

    /// Keys whose details are to be completed at the end, on one server.
    pub(crate) fn leaders(&self, node: usize) -> Vec<Key> {
        let all = self.largest.keys().chain(self.collections.keys());
        let mut keys: Vec<Key> = all.filter(|key| key.node == node).cloned().collect();
        keys.sort_by(|a, b| (a.database, &a.name).cmp(&(b.database, &b.name)));
        keys.dedup_by(|a, b| (a.database, &a.name) == (b.database, &b.name));
        keys
    }

    /// Puts completed details where the key is remembered.
    pub(crate) fn complete(&mut self, key: &Key) {
        self.largest.replace(key);
        self.collections.replace(key);
    }
}
