//! Reading a server into a snapshot.
//!
//! One connection per database and one pipelined batch on each; nothing is written and no lock is waited for.
//! What cannot be read becomes a section that says why and what would open it.

mod activity;
mod archiver;
mod ask;
mod checkpoints;
mod collation_mismatches;
pub mod collector;
mod columns;
mod config_files;
mod constraints;
mod costs;
mod databases;
mod disabled_triggers;
mod examine;
mod extended_statistics;
mod extensions;
mod field_names;
mod file_errors;
mod follow;
mod found;
mod functions;
mod guarded_indexes;
mod hba;
mod host;
mod index_builds;
mod index_columns;
mod indexes;
mod io;
mod large_objects;
mod locks;
mod mask;
pub mod measured;
mod nested_views;
mod obstacle;
mod offered;
mod options;
mod pace;
mod partitions;
mod passwords;
mod policies;
mod policy_functions;
mod prepared_transactions;
pub mod privileges;
mod public_grants;
mod reader;
mod recovery;
pub mod registry;
mod relations;
mod replicas;
mod roles;
mod run;
mod sampling;
mod sequences;
mod series;
mod settings;
mod slots;
mod slru;
pub mod statements;
mod subscriptions;
mod temp_files;
mod temporary_tables;
mod vacuum_progress;
mod wal;
mod wal_directory;
mod window;

use dbvitals_model::{host::Host, pg::PgSnapshot, snapshot::CollectorCost};

pub use self::{
    collector::{Collector, Cost, File, Need, Role},
    follow::follow,
    found::Found,
    options::{MachineReading, Measuring, Options, Progress},
    reader::Reader,
    registry::COLLECTORS,
};
use crate::{Error, Target};

/// What was collected.
#[derive(Debug)]
pub struct Collected {
    /// The sections.
    pub snapshot: PgSnapshot,
    /// The server's machine, where it was read through the server.
    pub host: Option<Host>,
    /// What each collector cost; the target's name is the caller's to fill in.
    pub cost: Vec<CollectorCost>,
    /// Trouble along the way that made the snapshot partial.
    pub problems: Vec<String>,
    /// Servers learnt from this one: `host:port name`.
    pub offered: Vec<String>,
}

/// Connects and collects.
///
/// An error means that nothing at all could be read; whatever fails later is in the snapshot, as the reason why
/// a section is missing. Dropping the future ends all connections.
pub async fn collect(
    target: &Target,
    options: &Options<'_>,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Collected, Error> {
    // A whole server passes through: too much to be moved about on the stack.
    Box::pin(collected(target, options, progress)).await
}

async fn collected(
    target: &Target,
    options: &Options<'_>,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Collected, Error> {
    let mut run = run::Run::begin(target, options, progress).await?;
    let machine = host::Machine::begin(&mut run).await;
    let before = match options.window {
        Some(length) => Some(window::wait(&mut run, length).await),
        None => None,
    };
    run.read_instance().await;
    let statements = run.read_statements(before.as_ref()).await;
    run.read_databases().await;
    if let Some(before) = before {
        window::close(&mut run, &before, statements);
    }
    let host = match machine {
        Some(machine) => Some(machine.end(&mut run).await),
        None => None,
    };
    Ok(Collected { host, ..run.finish().await })
}
