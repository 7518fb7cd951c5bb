//! The shape of a check: what it is called, what it reads, what it holds values against.

use dbvitals_model::{FixKind, Severity, Unit};

use crate::{
    context::Context,
    skip::Judged,
    view::{DatabaseView, HostView, LogView, PgView, PoolerView, RedisView, StatementView},
};

/// One check of the catalogue.
#[derive(Debug)]
pub struct Check {
    /// Final id, `pg-unused-index`: names the problem, never the remedy; equal to the file name.
    pub id: &'static str,
    /// A short name for people.
    pub title: &'static str,
    /// Where it stands in the catalogue.
    pub topic: Topic,
    /// The part of the score it counts towards.
    pub component: Component,
    /// The worst severity it can give with default thresholds.
    pub severity: Severity,
    /// First and last major version it applies to; `(0, u32::MAX)` for all.
    pub versions: (u32, u32),
    /// Sections it cannot do without.
    pub needs: &'static [&'static str],
    /// Sections it reads if they are there.
    pub uses: &'static [&'static str],
    /// Everything it holds values against.
    pub thresholds: &'static [&'static Threshold],
    /// The kind of fix its findings carry, if any.
    pub fix: Option<FixKind>,
    /// Documentation in Markdown with the headings *What it detects, Why it matters, How to fix,
    /// When to ignore, References*.
    pub explain: &'static str,
    /// The judgement.
    pub run: Run,
}

/// The judgement of a check, by what it looks at.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// Looks at a whole PostgreSQL server.
    Postgres(fn(&PgView<'_>, &Context<'_>) -> Judged),
    /// Looks at one database at a time; a database that cannot be examined is reported as a part.
    Database(fn(&DatabaseView<'_>, &Context<'_>) -> Judged),
    /// Looks at a Redis server.
    Redis(fn(&RedisView<'_>, &Context<'_>) -> Judged),
    /// Looks at a connection pooler.
    Pooler(fn(&PoolerView<'_>, &Context<'_>) -> Judged),
    /// Looks at a machine.
    Host(fn(&HostView<'_>, &Context<'_>) -> Judged),
    /// Looks at one statement and its plans.
    Statement(fn(&StatementView<'_>, &Context<'_>) -> Judged),
    /// Looks at what a server's log tells.
    Log(fn(&LogView<'_>, &Context<'_>) -> Judged),
}

/// A number that a check holds values against.
#[derive(Debug)]
pub struct Threshold {
    /// Its name in the configuration, unit last: `min_size_bytes`.
    pub key: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// The default.
    pub default: f64,
    /// The value under the strict profile, where that differs.
    pub strict: Option<f64>,
    /// Smallest and largest sensible value.
    pub range: (f64, f64),
    /// Why this number, with its source.
    pub why: &'static str,
}

/// Where a check stands in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the catalogue's own headings")]
pub enum Topic {
    Statements,
    Indexes,
    Tables,
    Locks,
    Cache,
    Replication,
    Configuration,
    Schema,
    Security,
    Redis,
    Host,
    Plans,
    Log,
}

/// The part of the score a check counts towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the score's own headings")]
pub enum Component {
    Connections,
    Queries,
    Indexes,
    Cache,
    Transactions,
    Maintenance,
    Replication,
    Configuration,
    Security,
    Host,
    Redis,
}

impl Topic {
    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Statements => "statements",
            Self::Indexes => "indexes",
            Self::Tables => "tables",
            Self::Locks => "locks",
            Self::Cache => "cache",
            Self::Replication => "replication",
            Self::Configuration => "configuration",
            Self::Schema => "schema",
            Self::Security => "security",
            Self::Redis => "redis",
            Self::Host => "host",
            Self::Plans => "plans",
            Self::Log => "log",
        }
    }
}

impl Component {
    /// All components in the order of the report.
    pub const ALL: [Self; 11] = [
        Self::Connections,
        Self::Queries,
        Self::Indexes,
        Self::Cache,
        Self::Transactions,
        Self::Maintenance,
        Self::Replication,
        Self::Configuration,
        Self::Security,
        Self::Host,
        Self::Redis,
    ];

    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Queries => "queries",
            Self::Indexes => "indexes",
            Self::Cache => "cache",
            Self::Transactions => "transactions",
            Self::Maintenance => "maintenance",
            Self::Replication => "replication",
            Self::Configuration => "configuration",
            Self::Security => "security",
            Self::Host => "host",
            Self::Redis => "redis",
        }
    }
}

impl Check {
    /// Whether it applies to that major version.
    pub fn applies_to(&self, major: u32) -> bool {
        (self.versions.0..=self.versions.1).contains(&major)
    }
}
