//! Judging what was collected with a single check.

use dbvitals_model::{
    Finding, Snapshot, TargetData, TargetSnapshot, report::Skipped, snapshot::Expectations,
};

use crate::scenarios::judging;

/// What a single check said.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) findings: Vec<Finding>,
    /// Why it, or a part of it, could not judge.
    pub(crate) skipped: Vec<Skipped>,
    /// It judged at least a part.
    pub(crate) judged: bool,
}

/// A snapshot of one target.
pub(crate) fn snapshot(name: &str, data: TargetData, expectations: Expectations) -> Snapshot {
    let target = judging::target(name, "127.0.0.1", data);
    judging::snapshot(jiff::Timestamp::now(), vec![TargetSnapshot { expectations, ..target }])
}

/// Judges with that check only, and with these thresholds in place of its own.
pub(crate) fn verdict(check: &str, snapshot: &Snapshot, limits: &[(&str, f64)]) -> Verdict {
    let report = judging::report(check, limits.iter().copied(), snapshot);
    Verdict {
        findings: report.findings,
        skipped: report.coverage.skipped,
        judged: !report.coverage.checked.is_empty(),
    }
}
