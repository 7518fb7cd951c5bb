//! Statements by their text alone, without a server.

use dbvitals_model::{
    Reason, Section, Snapshot, TargetData, TargetSnapshot, statement::StatementSnapshot,
};

use super::super::one;
use super::{given::Given, rewrites, suggestions};

/// What their texts tell.
pub(super) fn look(given: &[Given]) -> Snapshot {
    let seen = |given: &Given| {
        let data = TargetData::Statement(Box::new(statement(given)));
        TargetSnapshot::new(&given.name, "no server", data)
    };
    one::snapshot(given.iter().map(seen).collect())
}

fn statement(given: &Given) -> StatementSnapshot {
    let mut seen = StatementSnapshot {
        plans: Section::unavailable(
            Reason::NotApplicable,
            "no server was asked: what needs its plan or its catalogue is not told",
        ),
        calls: Section::unavailable(Reason::NotApplicable, "no server was asked"),
        facts: Section::unavailable(Reason::NotApplicable, "no server was asked"),
        rewrites: given.statement.as_ref().map(rewrites::by_text).unwrap_or_default(),
        ..given.seen()
    };
    suggestions::add(&mut seen, given, None, None);
    seen
}
