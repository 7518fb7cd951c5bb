//! What a check sees: one target of a snapshot, with every read of a section on record, so that a
//! test can hold `needs` and `uses` against what is really read.

use std::cell::RefCell;
use std::collections::BTreeSet;

use dbvitals_model::{
    Section, Snapshot, TargetData, TargetSnapshot, Unavailable,
    host::Host,
    pg::{self, DatabaseSnapshot, PgSnapshot},
    redis::{self, RedisSnapshot},
    snapshot::Expectations,
};
use jiff::Timestamp;

use crate::skip::Skip;

/// Names of the sections read so far.
pub type Reads = RefCell<BTreeSet<&'static str>>;

/// One PostgreSQL target.
#[derive(Debug, Clone, Copy)]
pub struct PgView<'a> {
    snapshot: &'a Snapshot,
    target: &'a TargetSnapshot,
    pg: &'a PgSnapshot,
    reads: &'a Reads,
}

/// One database of a PostgreSQL target.
#[derive(Debug, Clone, Copy)]
pub struct DatabaseView<'a> {
    server: PgView<'a>,
    database: &'a DatabaseSnapshot,
}

/// One Redis target.
#[derive(Debug, Clone, Copy)]
pub struct RedisView<'a> {
    snapshot: &'a Snapshot,
    target: &'a TargetSnapshot,
    redis: &'a RedisSnapshot,
    reads: &'a Reads,
}

/// One machine.
#[derive(Debug, Clone, Copy)]
pub struct HostView<'a> {
    snapshot: &'a Snapshot,
    target: &'a TargetSnapshot,
    host: &'a dbvitals_model::host::HostSnapshot,
    reads: &'a Reads,
}

/// The gaps of a collected section, or why it was not collected.
pub type SectionState<'a> = Result<&'a [Unavailable], &'a Unavailable>;

fn state_of<T>(section: &Section<T>) -> SectionState<'_> {
    match section {
        Section::Collected(collected) => Ok(&collected.gaps),
        Section::Unavailable(why) => Err(why),
    }
}

/// A view of one kind of target that may look at its neighbours: made where the target is of that kind, called by the target's name.
macro_rules! view_of {
    ($view:ident . $field:ident: $kind:ident, $what:literal) => {
        impl<'a> $view<'a> {
            #[doc = concat!("A view of a target, if it is ", $what, ".")]
            pub fn of(
                snapshot: &'a Snapshot,
                target: &'a TargetSnapshot,
                reads: &'a Reads,
            ) -> Option<Self> {
                match &target.data {
                    TargetData::$kind($field) => Some(Self { snapshot, target, $field, reads }),
                    _ => None,
                }
            }

            /// The name findings carry.
            pub fn name(&self) -> &'a str {
                &self.target.name
            }
        }
    };
}

view_of!(PgView.pg: Postgres, "a PostgreSQL server that answered");
view_of!(RedisView.redis: Redis, "a Redis server that answered");
view_of!(HostView.host: Host, "a machine");

/// The sections of a view, each read of one put on record in `$reads`.
macro_rules! sections {
    ($view:ident . $field:ident, $($reads:ident).+, $all:ident: $($name:ident: $type:ty),* $(,)?) => {
        impl<'a> $view<'a> {
            fn note(&self, section: &'static str) {
                self.$($reads).+.borrow_mut().insert(section);
            }

            $(
                #[doc = concat!("The section `", stringify!($name), "`, or why it is missing.")]
                pub fn $name(&self) -> Result<&'a $type, Skip> {
                    self.note(stringify!($name));
                    self.$field.$name.get().map_err(Skip::from)
                }
            )*

            /// Every section by name: what is missing from it, or why it is missing altogether.
            pub fn states(&self) -> Vec<(&'static str, SectionState<'a>)> {
                vec![$((stringify!($name), state_of(&self.$field.$name))),*]
            }
        }

        /// Names of the sections this view offers.
        pub const $all: &[&str] = &[$(stringify!($name)),*];
    };
}

sections!(PgView.pg, reads, PG_SECTIONS:
    settings: pg::instance::Settings,
    databases: Vec<pg::database::Database>,
    activity: Vec<pg::activity::Session>,
    locks: pg::activity::Locks,
    prepared_transactions: Vec<pg::activity::PreparedTransaction>,
    vacuum_progress: Vec<pg::activity::VacuumProgress>,
    index_builds: Vec<pg::activity::IndexBuild>,
    checkpoints: pg::counters::Checkpoints,
    wal: pg::counters::Wal,
    wal_directory: pg::counters::WalDirectory,
    archiver: pg::counters::Archiver,
    io: Vec<pg::counters::Io>,
    slru: Vec<pg::counters::Slru>,
    temp_files: pg::counters::TempFiles,
    replicas: Vec<pg::replication::Replica>,
    slots: Vec<pg::replication::Slot>,
    recovery: pg::replication::Recovery,
    subscriptions: Vec<pg::replication::Subscription>,
    roles: Vec<pg::security::Role>,
    passwords: Vec<pg::security::Password>,
    hba: Vec<pg::security::HbaRule>,
    file_errors: Vec<pg::security::FileError>,
    config_files: Vec<pg::instance::ConfigFile>,
    certificate: pg::security::Certificate,
    statements_status: pg::statement::Status,
    statements: pg::statement::Statements,
    window: pg::window::Window,
    growth: pg::growth::Growth,
);

sections!(DatabaseView.database, server.reads, DATABASE_SECTIONS:
    relations: Vec<pg::relation::Relation>,
    indexes: Vec<pg::index::Index>,
    columns: Vec<pg::schema::Column>,
    index_columns: Vec<pg::schema::Column>,
    extended_statistics: Vec<pg::schema::ExtendedStatistics>,
    measured: Vec<pg::measured::Measured>,
    constraints: Vec<pg::schema::Constraint>,
    sequences: Vec<pg::schema::Sequence>,
    extensions: Vec<pg::schema::Extension>,
    functions: Vec<pg::security::Function>,
    policies: Vec<pg::security::Policy>,
    policy_functions: Vec<pg::row_security::PolicyFunction>,
    guarded_indexes: Vec<pg::row_security::GuardedIndex>,
    policy_costs: pg::row_security::PolicyCosts,
    nested_views: Vec<pg::schema::NestedView>,
    temporary_tables: Vec<pg::schema::TemporaryTable>,
    public_grants: Vec<pg::security::PublicGrant>,
    disabled_triggers: Vec<pg::schema::DisabledTrigger>,
    partitions: Vec<pg::relation::Partition>,
    large_objects: pg::schema::LargeObjects,
    collation_mismatches: Vec<pg::schema::CollationMismatch>,
);

sections!(RedisView.redis, reads, REDIS_SECTIONS:
    info: redis::Info,
    config: redis::Config,
    slowlog: redis::Slowlog,
    latency: Vec<redis::LatencyEvent>,
    clients: Vec<redis::Client>,
    memory_stats: std::collections::BTreeMap<String, f64>,
    users: Vec<redis::User>,
    acl_log: Vec<redis::AclDenial>,
    cluster: std::collections::BTreeMap<String, String>,
    key_sample: redis::KeySample,
    window: redis::Window,
);

mod log;
mod pooler;
mod statement;

pub use self::{
    log::{LOG_SECTIONS, LogView},
    pooler::{POOLER_SECTIONS, PoolerView},
    statement::{STATEMENT_SECTIONS, StatementView},
};

impl<'a> PgView<'a> {
    /// Who answered. Always present, so not a section.
    pub fn server(&self) -> &'a pg::instance::Server {
        &self.pg.server
    }

    /// The server's clock when collection began.
    pub fn now(&self) -> Timestamp {
        self.pg.server.now
    }

    /// Seconds from a moment until now, by the server's clock; never negative.
    pub fn seconds_since(&self, moment: Option<Timestamp>) -> Option<f64> {
        moment.map(|at| seconds_between(at, self.now()))
    }

    /// What the user told about this target.
    pub fn expectations(&self) -> &'a Expectations {
        &self.target.expectations
    }

    /// Host, port and database it was reached by.
    pub fn endpoint(&self) -> &'a str {
        &self.target.endpoint
    }

    /// The machine it runs on, where that was read.
    pub fn host(&self) -> Option<&'a Host> {
        self.note("host");
        host_of(self.snapshot, &self.target.name)
    }

    /// The databases that were examined.
    pub fn by_database(&self) -> impl Iterator<Item = DatabaseView<'a>> + use<'a> {
        let server = *self;
        server.pg.by_database.iter().map(move |database| DatabaseView { server, database })
    }

    /// The other servers of this snapshot with the same system identifier: its primary and standbys.
    pub fn siblings(&self) -> impl Iterator<Item = PgView<'a>> + use<'a> {
        let this = *self;
        this.snapshot.targets.iter().filter_map(move |target| {
            let other = Self::of(this.snapshot, target, this.reads)?;
            let same = other.pg.server.system_identifier == this.pg.server.system_identifier;
            let known = this.pg.server.system_identifier.is_some();
            (known && same && target.name != this.target.name).then_some(other)
        })
    }
}

impl<'a> DatabaseView<'a> {
    /// The server it belongs to, for instance-wide sections.
    pub fn server(&self) -> PgView<'a> {
        self.server
    }

    /// The database's name.
    pub fn name(&self) -> &'a str {
        &self.database.name
    }

    /// The database's own row of instance-wide statistics.
    pub fn stats(&self) -> Result<&'a pg::database::Database, Skip> {
        let databases = self.server.databases()?;
        databases
            .iter()
            .find(|database| database.name == self.database.name)
            .ok_or_else(|| Skip::not_applicable("database vanished during the audit"))
    }

    /// Age of this database's statistics in days: since their reset, or since the server was started
    /// when they were never reset; `None` where neither is known.
    pub fn statistics_age_days(&self) -> Option<f64> {
        let reset = self.stats().ok().and_then(|stats| stats.stats_reset);
        let since = reset.or(self.server.server().started_at);
        self.server.seconds_since(since).map(|seconds| seconds / 86_400.0)
    }

    /// The same database on the primary's standbys (or on the primary), where those were audited too.
    pub fn siblings(&self) -> impl Iterator<Item = DatabaseView<'a>> + use<'a> {
        let name = self.database.name.as_str();
        self.server
            .siblings()
            .flat_map(|server| server.by_database())
            .filter(move |database| database.name() == name)
    }
}

impl<'a> RedisView<'a> {
    /// Who answered. Always present, so not a section.
    pub fn server(&self) -> &'a redis::Server {
        &self.redis.server
    }

    /// What the user told about this target.
    pub fn expectations(&self) -> &'a Expectations {
        &self.target.expectations
    }

    /// The machine it runs on, where that was read.
    pub fn host(&self) -> Option<&'a Host> {
        self.note("host");
        host_of(self.snapshot, &self.target.name)
    }

    /// Seconds from a moment until now, by the server's clock; never negative.
    pub fn seconds_since(&self, moment: Option<Timestamp>) -> Option<f64> {
        moment.map(|at| seconds_between(at, self.redis.server.now))
    }
}

impl<'a> HostView<'a> {
    /// When the snapshot was taken.
    pub fn taken_at(&self) -> Timestamp {
        self.snapshot.taken_at
    }

    /// The machine.
    pub fn host(&self) -> &'a Host {
        &self.host.host
    }

    /// Every section by name: what is missing from it, or why it is missing altogether.
    pub fn states(&self) -> Vec<(&'static str, SectionState<'a>)> {
        let host = self.host();
        vec![
            ("cpu", state_of(&host.cpu)),
            ("load", state_of(&host.load)),
            ("memory", state_of(&host.memory)),
            ("filesystems", state_of(&host.filesystems)),
            ("disks", state_of(&host.disks)),
            ("network", state_of(&host.network)),
            ("kernel", state_of(&host.kernel)),
            ("growth", state_of(&host.growth)),
        ]
    }

    /// The PostgreSQL servers that run on it.
    pub fn postgres(&self) -> impl Iterator<Item = PgView<'a>> + use<'a> {
        let this = *self;
        this.served().filter_map(move |target| PgView::of(this.snapshot, target, this.reads))
    }

    /// The Redis servers that run on it.
    pub fn redis(&self) -> impl Iterator<Item = RedisView<'a>> + use<'a> {
        let this = *self;
        this.served().filter_map(move |target| RedisView::of(this.snapshot, target, this.reads))
    }

    fn served(&self) -> impl Iterator<Item = &'a TargetSnapshot> + use<'a> {
        let this = *self;
        this.snapshot.targets.iter().filter(move |target| this.host.serves.contains(&target.name))
    }
}

fn host_of<'a>(snapshot: &'a Snapshot, target: &str) -> Option<&'a Host> {
    snapshot.targets.iter().find_map(|candidate| match &candidate.data {
        TargetData::Host(host) if host.serves.iter().any(|name| name == target) => Some(&host.host),
        _ => None,
    })
}

pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64().max(0.0)
}
