//! What a check sees of one statement.

use dbvitals_model::{
    Snapshot, TargetData, TargetSnapshot,
    pg::{
        DatabaseSnapshot,
        instance::{Server, Settings},
    },
    statement::{Calls, StatementPlan, StatementSnapshot},
};

use super::{Reads, SectionState, state_of};
use crate::skip::Skip;

/// One statement under analysis.
#[derive(Debug, Clone, Copy)]
pub struct StatementView<'a> {
    target: &'a TargetSnapshot,
    statement: &'a StatementSnapshot,
    reads: &'a Reads,
}

sections!(StatementView.statement, reads, STATEMENT_SECTIONS:
    plans: Vec<StatementPlan>,
    calls: Calls,
    settings: Settings,
    facts: DatabaseSnapshot,
);

impl<'a> StatementView<'a> {
    /// A view of a target, if it is a statement.
    pub fn of(_: &'a Snapshot, target: &'a TargetSnapshot, reads: &'a Reads) -> Option<Self> {
        match &target.data {
            TargetData::Statement(statement) => Some(Self { target, statement, reads }),
            _ => None,
        }
    }

    /// The name findings carry.
    pub fn name(&self) -> &'a str {
        &self.target.name
    }

    /// The text and what is known of it without a server. Always present, so not a section.
    pub fn statement(&self) -> &'a StatementSnapshot {
        self.statement
    }

    /// Who planned it; `None` for a plan that came from a file.
    pub fn server(&self) -> Option<&'a Server> {
        self.statement.server.as_ref()
    }
}
