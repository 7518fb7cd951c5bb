//! A snapshot: everything seen of every target, at one time, in one versioned file.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Unavailable, host::HostSnapshot, log::LogSnapshot, pg::PgSnapshot, pooler::PoolerSnapshot,
    redis::RedisSnapshot, statement::StatementSnapshot,
};

/// The version of the snapshot file this code writes.
pub const FORMAT_VERSION: u32 = 1;

/// Everything seen in one audit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// The version of the tool that wrote it.
    pub tool_version: String,
    /// When collection began, by the clock of the machine the tool ran on.
    pub taken_at: Timestamp,
    /// The targets, in the order they were named.
    pub targets: Vec<TargetSnapshot>,
}

/// Everything seen of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetSnapshot {
    /// The name findings carry.
    pub name: String,
    /// Host, port and database, without user or secret.
    pub endpoint: String,
    /// What was seen.
    pub data: TargetData,
    /// What each collector cost.
    #[serde(default)]
    pub cost: Vec<CollectorCost>,
    /// Servers learnt from this one that were not audited (standbys of a primary, say).
    #[serde(default)]
    pub offered: Vec<String>,
    /// Trouble along the way that made the snapshot partial.
    #[serde(default)]
    pub problems: Vec<String>,
    /// What the user called this target: decides which expectations apply.
    #[serde(default)]
    pub expectations: Expectations,
}

/// What the user told about a target in the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expectations {
    /// Number of standbys that should be connected.
    pub replicas: Option<u32>,
    /// Redis holds data that can be rebuilt (`true`), or is the only copy (`false`).
    pub is_cache: Option<bool>,
}

/// What was seen of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetData {
    /// A PostgreSQL server.
    Postgres(Box<PgSnapshot>),
    /// A Redis or Valkey server.
    Redis(Box<RedisSnapshot>),
    /// A connection pooler in front of PostgreSQL.
    Pooler(Box<PoolerSnapshot>),
    /// The machine below some of the other targets.
    Host(Box<HostSnapshot>),
    /// One statement under analysis.
    Statement(Box<StatementSnapshot>),
    /// The log of a server.
    Log(Box<LogSnapshot>),
    /// Nothing: it could not be reached.
    Unreachable {
        /// What it was meant to be.
        kind: TargetKind,
        /// Why, and what to do.
        why: Unavailable,
    },
}

/// The kind of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// PostgreSQL.
    Postgres,
    /// Redis or Valkey.
    Redis,
    /// A connection pooler.
    Pooler,
    /// A machine.
    Host,
    /// A statement.
    Statement,
    /// A server's log.
    Log,
}

/// What one collector cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CollectorCost {
    /// The target it ran on.
    pub target: String,
    /// The collector, with its database: `relations@app`.
    pub collector: String,
    /// Time between the previous answer and this one on the same connection, in milliseconds.
    pub elapsed_ms: f64,
    /// Rows received.
    pub rows: u64,
    /// Bytes of row data received.
    pub bytes: u64,
}

impl Snapshot {
    /// Of these targets, written by this version of the tool.
    pub fn new(
        tool_version: impl Into<String>,
        taken_at: Timestamp,
        targets: Vec<TargetSnapshot>,
    ) -> Self {
        let tool_version = tool_version.into();
        Self { format_version: FORMAT_VERSION, tool_version, taken_at, targets }
    }
}

impl TargetSnapshot {
    /// A target of which this was seen, without trouble, and of which nothing is expected.
    pub fn new(name: impl Into<String>, endpoint: impl Into<String>, data: TargetData) -> Self {
        Self {
            name: name.into(),
            endpoint: endpoint.into(),
            data,
            cost: Vec::new(),
            offered: Vec::new(),
            problems: Vec::new(),
            expectations: Expectations::default(),
        }
    }
}

impl TargetData {
    /// What it is.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Postgres(_) => TargetKind::Postgres,
            Self::Redis(_) => TargetKind::Redis,
            Self::Pooler(_) => TargetKind::Pooler,
            Self::Host(_) => TargetKind::Host,
            Self::Statement(_) => TargetKind::Statement,
            Self::Log(_) => TargetKind::Log,
            Self::Unreachable { kind, .. } => *kind,
        }
    }
}

impl TargetKind {
    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Pooler => "pooler",
            Self::Host => "host",
            Self::Statement => "statement",
            Self::Log => "log",
        }
    }
}
