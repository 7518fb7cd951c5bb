//! Sections of a PostgreSQL target. Fields mirror the server's catalogue and statistics views.

pub mod activity;
pub mod counters;
pub mod database;
pub mod growth;
pub mod index;
pub mod instance;
pub mod measured;
pub mod relation;
pub mod replication;
pub mod row_security;
pub mod schema;
pub mod security;
pub mod series;
pub mod statement;
pub mod window;

use serde::{Deserialize, Serialize};

use crate::Section;

/// Everything seen of one PostgreSQL server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PgSnapshot {
    /// Who answered: version, role, privileges. Present whenever a connection was made.
    pub server: instance::Server,
    /// `pg_settings`, the values a new session would get.
    pub settings: Section<instance::Settings>,
    /// `pg_database` and `pg_stat_database`.
    pub databases: Section<Vec<database::Database>>,
    /// `pg_stat_activity`, without our own sessions.
    pub activity: Section<Vec<activity::Session>>,
    /// Lock waits and the use of the lock table.
    pub locks: Section<activity::Locks>,
    /// `pg_prepared_xacts`.
    pub prepared_transactions: Section<Vec<activity::PreparedTransaction>>,
    /// Progress of running vacuums.
    pub vacuum_progress: Section<Vec<activity::VacuumProgress>>,
    /// Progress of running index builds.
    pub index_builds: Section<Vec<activity::IndexBuild>>,
    /// `pg_stat_bgwriter` and, on 17+, `pg_stat_checkpointer`.
    pub checkpoints: Section<counters::Checkpoints>,
    /// `pg_stat_wal`.
    pub wal: Section<counters::Wal>,
    /// Size of `pg_wal` and files waiting for the archiver.
    pub wal_directory: Section<counters::WalDirectory>,
    /// `pg_stat_archiver`.
    pub archiver: Section<counters::Archiver>,
    /// `pg_stat_io`.
    pub io: Section<Vec<counters::Io>>,
    /// `pg_stat_slru`.
    pub slru: Section<Vec<counters::Slru>>,
    /// Temporary files on disk right now.
    pub temp_files: Section<counters::TempFiles>,
    /// `pg_stat_replication`: the standbys and receivers connected to this server.
    pub replicas: Section<Vec<replication::Replica>>,
    /// `pg_replication_slots`.
    pub slots: Section<Vec<replication::Slot>>,
    /// What a standby knows of its own replay.
    pub recovery: Section<replication::Recovery>,
    /// `pg_stat_subscription` and its error counts.
    pub subscriptions: Section<Vec<replication::Subscription>>,
    /// `pg_roles`.
    pub roles: Section<Vec<security::Role>>,
    /// Kind of stored password by role (superusers only).
    pub passwords: Section<Vec<security::Password>>,
    /// `pg_hba_file_rules`.
    pub hba: Section<Vec<security::HbaRule>>,
    /// Errors of `pg_file_settings`.
    pub file_errors: Section<Vec<security::FileError>>,
    /// Configuration files and when they were last changed (needs the right to look at files).
    pub config_files: Section<Vec<instance::ConfigFile>>,
    /// Not after of the server's certificate, where it can be read.
    pub certificate: Section<security::Certificate>,
    /// State of `pg_stat_statements`.
    pub statements_status: Section<statement::Status>,
    /// `pg_stat_statements`: counters of the statements that lead any ranking, with their texts.
    pub statements: Section<statement::Statements>,
    /// Sections of each examined database, in the order of their names.
    pub by_database: Vec<DatabaseSnapshot>,
    /// Counters over a window; present with `--interval` or `--since`.
    pub window: Section<window::Window>,
    /// What moved over a window besides counters; it outlives restarts and resets.
    pub growth: Section<growth::Growth>,
}

/// The sections of one database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatabaseSnapshot {
    /// The database's name.
    pub name: String,
    /// Tables, materialised views, partitioned tables with their statistics.
    pub relations: Section<Vec<relation::Relation>>,
    /// Indexes with their statistics.
    pub indexes: Section<Vec<index::Index>>,
    /// Columns of the larger tables, with planner statistics where the role may see them.
    pub columns: Section<Vec<schema::Column>>,
    /// Expressions of indexes as columns of the index (`table_oid`), with planner statistics.
    pub index_columns: Section<Vec<schema::Column>>,
    /// Numbers of different combinations of columns.
    pub extended_statistics: Section<Vec<schema::ExtendedStatistics>>,
    /// Relations whose pages were read, where an extension for that is installed.
    pub measured: Section<Vec<measured::Measured>>,
    /// Foreign keys, and other constraints that are not validated.
    pub constraints: Section<Vec<schema::Constraint>>,
    /// Sequences with their position.
    pub sequences: Section<Vec<schema::Sequence>>,
    /// Extensions installed here.
    pub extensions: Section<Vec<schema::Extension>>,
    /// Functions that matter to security.
    pub functions: Section<Vec<security::Function>>,
    /// Row-level security policies.
    pub policies: Section<Vec<security::Policy>>,
    /// Functions that policies call, with what their calls cost.
    pub policy_functions: Section<Vec<row_security::PolicyFunction>>,
    /// Indexes of tables with row-level security, and whether other conditions may use them.
    pub guarded_indexes: Section<Vec<row_security::GuardedIndex>>,
    /// What policies do to statements; looked into on request (`dbvitals query rls`).
    pub policy_costs: Section<row_security::PolicyCosts>,
    /// Views that read views, with the depth of the nest.
    pub nested_views: Section<Vec<schema::NestedView>>,
    /// Temporary tables, and whether the session they belong to still lives.
    pub temporary_tables: Section<Vec<schema::TemporaryTable>>,
    /// Privileges granted to everyone.
    pub public_grants: Section<Vec<security::PublicGrant>>,
    /// Triggers that are switched off.
    pub disabled_triggers: Section<Vec<schema::DisabledTrigger>>,
    /// Partitioned tables and their partitions.
    pub partitions: Section<Vec<relation::Partition>>,
    /// Large objects no column refers to, as far as can be told cheaply.
    pub large_objects: Section<schema::LargeObjects>,
    /// Indexes and databases whose collation version changed below them.
    pub collation_mismatches: Section<Vec<schema::CollationMismatch>>,
}
