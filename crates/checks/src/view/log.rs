//! What a check sees of a server's log.

use dbvitals_model::{Snapshot, TargetData, TargetSnapshot, log::LogSnapshot};

use super::Reads;

/// The log of one server.
#[derive(Debug, Clone, Copy)]
pub struct LogView<'a> {
    target: &'a TargetSnapshot,
    log: &'a LogSnapshot,
}

impl<'a> LogView<'a> {
    /// A view of a target, if it is a log.
    pub fn of(_: &'a Snapshot, target: &'a TargetSnapshot, _: &'a Reads) -> Option<Self> {
        match &target.data {
            TargetData::Log(log) => Some(Self { target, log }),
            _ => None,
        }
    }

    /// The name findings carry.
    pub fn name(&self) -> &'a str {
        &self.target.name
    }

    /// What the log tells. Always present, so not a section.
    pub fn log(&self) -> &'a LogSnapshot {
        self.log
    }
}
