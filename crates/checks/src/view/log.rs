//! What a check sees of a server's log.

use dbvitals_model::{
    Snapshot, TargetData, TargetSnapshot,
    log::{
        Checkpoints, Connections, Errors, LockWaits, LogSnapshot, Maintenance, Repeats,
        StatementsLogged, TempFiles,
    },
};

use super::{Reads, SectionState, state_of};
use crate::skip::Skip;

/// The log of one server.
#[derive(Debug, Clone, Copy)]
pub struct LogView<'a> {
    target: &'a TargetSnapshot,
    log: &'a LogSnapshot,
    reads: &'a Reads,
}

sections!(LogView.log, reads, LOG_SECTIONS:
    statements: StatementsLogged,
    repeats: Repeats,
    errors: Errors,
    lock_waits: LockWaits,
    temp_files: TempFiles,
    checkpoints: Checkpoints,
    autovacuum: Maintenance,
    connections: Connections,
);

impl<'a> LogView<'a> {
    /// A view of a target, if it is a log.
    pub fn of(_: &'a Snapshot, target: &'a TargetSnapshot, reads: &'a Reads) -> Option<Self> {
        match &target.data {
            TargetData::Log(log) => Some(Self { target, log, reads }),
            _ => None,
        }
    }

    /// The name findings carry.
    pub fn name(&self) -> &'a str {
        &self.target.name
    }

    /// What is known of the log as a whole. Always present, so not a section.
    pub fn log(&self) -> &'a LogSnapshot {
        self.log
    }
}
