//! Sections of a Redis or Valkey target.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

mod keys;
pub mod look;
mod window;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use keys::{
    EncodingUse, KeyInfo, KeyPattern, KeySample, KeyShare, PatternHits, Reconciled, ScannedNode,
    SlotUse, TtlBucket,
};

use crate::{Section, ServerVersion};

/// Everything seen of one Redis server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RedisSnapshot {
    /// Who answered.
    pub server: Server,
    /// `INFO everything`, field by field.
    pub info: Section<Info>,
    /// `CONFIG GET *`; secrets are left out before anything is kept.
    pub config: Section<Config>,
    /// `SLOWLOG GET`.
    pub slowlog: Section<Slowlog>,
    /// `LATENCY LATEST`.
    pub latency: Section<Vec<LatencyEvent>>,
    /// `CLIENT LIST`, condensed.
    pub clients: Section<Vec<Client>>,
    /// `MEMORY STATS`, the numeric entries.
    pub memory_stats: Section<BTreeMap<String, f64>>,
    /// `ACL LIST`, without any password hash.
    pub users: Section<Vec<User>>,
    /// `ACL LOG`.
    pub acl_log: Section<Vec<AclDenial>>,
    /// `CLUSTER INFO`, where cluster mode is on.
    pub cluster: Section<BTreeMap<String, String>>,
    /// A bounded look at some keys (type, size, expiry).
    pub key_sample: Section<KeySample>,
    /// Two-snapshot differences; present with `--interval`.
    pub window: Section<Window>,
}

/// The server behind a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Server {
    /// `redis` or `valkey`.
    pub flavour: String,
    pub version: ServerVersion,
    /// `master` or `slave`, as the server says.
    pub role: String,
    /// `standalone`, `cluster`, `sentinel`.
    pub mode: String,
    /// The server's clock when collection began.
    pub now: Timestamp,
    pub uptime_seconds: i64,
    pub connect_ms: Option<f64>,
    /// Median of a few `PING`s.
    pub round_trip_ms: Option<f64>,
    pub is_local: bool,
    pub tls: bool,
    /// The ACL user we are.
    pub user: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            flavour: "redis".to_owned(),
            version: ServerVersion::new(0, 0, 0),
            role: "master".to_owned(),
            mode: "standalone".to_owned(),
            now: Timestamp::UNIX_EPOCH,
            uptime_seconds: 0,
            connect_ms: None,
            round_trip_ms: None,
            is_local: false,
            tls: false,
            user: None,
        }
    }
}

/// `INFO`: plain fields by name, and the families that have rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// Every `name:value` line that is not one of the families below.
    pub fields: BTreeMap<String, String>,
    /// `dbN`.
    pub keyspace: Vec<Keyspace>,
    /// `cmdstat_*`.
    pub commands: Vec<CommandStat>,
    /// `errorstat_*`: error prefix and count.
    pub errors: BTreeMap<String, i64>,
    /// `latency_percentiles_usec_*` (7.0+).
    pub latency_percentiles: Vec<CommandLatency>,
    /// `slaveN`.
    pub replicas: Vec<Replica>,
}

impl Info {
    /// A field as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A field as an integer.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// A field as a number; `None` for what is none (`nan`, `inf`).
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?
            .trim_end_matches('%')
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }
}

/// One logical database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keyspace {
    pub database: i64,
    pub keys: i64,
    /// Keys with a time to live.
    pub expires: i64,
    pub average_ttl_ms: i64,
}

/// Counters of one command since the last reset or start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandStat {
    /// Lowercase; subcommands as `config|get`.
    pub name: String,
    pub calls: i64,
    pub total_us: i64,
    pub us_per_call: f64,
    pub rejected: i64,
    pub failed: i64,
}

/// Latency percentiles of one command.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandLatency {
    pub name: String,
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
}

/// One connected replica, as a primary sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replica {
    pub address: String,
    pub port: i64,
    /// `online`, `wait_bgsave`, `send_bulk`.
    pub state: String,
    pub offset: i64,
    /// Seconds since its last acknowledgement.
    pub lag_seconds: i64,
}

/// `CONFIG GET *` without secrets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Config(pub BTreeMap<String, String>);

impl Config {
    /// A setting as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A setting as an integer (Redis reports memory settings in plain bytes).
    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// A yes/no setting.
    pub fn is_yes(&self, name: &str) -> Option<bool> {
        self.text(name).map(|value| value == "yes")
    }
}

/// The slow log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slowlog {
    pub length: i64,
    pub entries: Vec<SlowlogEntry>,
}

/// One slow command; arguments are shortened and values masked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlowlogEntry {
    pub id: i64,
    pub at: Option<Timestamp>,
    pub duration_us: i64,
    /// Lowercase command name.
    pub command: String,
    /// The first key, if the command has one.
    pub key: Option<String>,
    /// That key's name with its variable parts as `*`.
    pub pattern: Option<String>,
    pub arguments: i64,
    pub client: Option<String>,
}

/// One event class of the latency monitor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LatencyEvent {
    pub event: String,
    pub at: Option<Timestamp>,
    pub latest_ms: i64,
    pub max_ms: i64,
}

/// One client connection, never our own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    pub id: i64,
    /// Address without its port.
    pub address: String,
    pub name: String,
    /// Name and version of the client library (7.2+), as it told the server.
    pub library: Option<String>,
    pub user: Option<String>,
    pub age_seconds: i64,
    pub idle_seconds: i64,
    /// Flags as the server prints them (`N`, `S`, `M`, `P`, `b` …).
    pub flags: String,
    pub database: i64,
    pub subscriptions: i64,
    pub query_buffer_bytes: i64,
    pub output_buffer_bytes: i64,
    pub total_memory_bytes: Option<i64>,
    pub last_command: String,
}

/// One ACL user, without password hashes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    pub name: String,
    pub is_enabled: bool,
    pub no_password: bool,
    pub passwords: i64,
    /// `~*` or `allkeys`.
    pub all_keys: bool,
    /// `+@all` without later exceptions.
    pub all_commands: bool,
    /// Command rules in order: `+@all`, `-@dangerous`, `+get` …
    pub command_rules: Vec<String>,
}

/// One denied command or login.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AclDenial {
    pub count: i64,
    /// `auth`, `command`, `key`, `channel`.
    pub reason: String,
    pub context: String,
    pub object: String,
    pub user: String,
    pub age_seconds: f64,
}

/// What changed between two looks. A counter that fell is absent, never negative.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    pub seconds: f64,
    /// Differences of the integer counters of `INFO` (`keyspace_hits`, `evicted_keys` …).
    pub counters: BTreeMap<String, i64>,
    pub commands: Vec<CommandStat>,
    pub errors: BTreeMap<String, i64>,
    /// Share of one core over the window.
    pub cpu_ratio: Option<f64>,
    /// Growth of `used_memory`; negative where memory was given back.
    pub memory_growth_bytes: Option<i64>,
}
