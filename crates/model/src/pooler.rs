//! Sections of a connection pooler: what `PgBouncer`'s console shows of its queues.
#![expect(missing_docs, reason = "fields carry the pooler's own names and their unit in the name")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Section, ServerVersion};

/// Everything seen of one pooler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolerSnapshot {
    pub version: ServerVersion,
    /// When it was looked at, by the clock of the machine the tool ran on: the console tells no time.
    pub now: Timestamp,
    pub user: String,
    pub connect_ms: Option<f64>,
    /// `SHOW POOLS`, without the console's own.
    pub pools: Section<Vec<Pool>>,
    /// `SHOW DATABASES`, without the console's own.
    pub databases: Section<Vec<PoolerDatabase>>,
    /// `SHOW CONFIG`: value by name.
    pub config: Section<BTreeMap<String, String>>,
    /// `SHOW LISTS`: number of items by list.
    pub lists: Section<BTreeMap<String, i64>>,
    /// The queues over a window; present with `--interval`.
    pub queue: Section<Queue>,
}

impl Default for PoolerSnapshot {
    fn default() -> Self {
        Self {
            version: ServerVersion::new(0, 0, 0),
            now: Timestamp::UNIX_EPOCH,
            user: String::new(),
            connect_ms: None,
            pools: Section::default(),
            databases: Section::default(),
            config: Section::default(),
            lists: Section::default(),
            queue: Section::default(),
        }
    }
}

/// The connections of one user to one database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pool {
    pub database: String,
    pub user: String,
    pub clients_active: i64,
    /// Clients that sent a query and have no server connection yet.
    pub clients_waiting: i64,
    pub servers_active: i64,
    pub servers_idle: i64,
    /// Idle for longer than `server_check_delay`; tested before they are used again.
    pub servers_used: i64,
    pub servers_tested: i64,
    /// Being logged in.
    pub servers_login: i64,
    /// How long the first in the queue has waited.
    pub longest_wait_ms: f64,
    /// `session`, `transaction`, `statement`.
    pub mode: Option<String>,
}

/// One database the pooler serves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolerDatabase {
    pub name: String,
    /// `None` for a unix socket.
    pub host: Option<String>,
    pub port: Option<i64>,
    /// Server connections each user may have.
    pub pool_size: i64,
    pub reserve_pool: i64,
    /// Over all users; 0 for no limit.
    pub max_connections: i64,
    pub current_connections: i64,
    pub is_paused: bool,
    pub is_disabled: bool,
}

/// The queues, seen by looking many times, and the waits that were counted meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Queue {
    pub seconds: f64,
    pub looks: i64,
    pub pools: Vec<QueuedPool>,
    /// Transactions, and the time clients waited for a server, over all databases; `None` where counters fell.
    pub transactions: Option<i64>,
    pub waited_ms: Option<f64>,
}

/// One pool over the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueuedPool {
    pub database: String,
    pub user: String,
    pub waiting_mean: f64,
    pub waiting_max: i64,
    pub longest_wait_ms: f64,
    /// Share of the looks in which clients waited.
    pub queued_ratio: f64,
}

impl Pool {
    /// Server connections of any kind that are logged in.
    pub fn servers(&self) -> i64 {
        self.servers_active + self.servers_idle + self.servers_used + self.servers_tested
    }
}
