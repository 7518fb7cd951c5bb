//! Judging what was collected with a single check.

use std::collections::BTreeMap;

use dbvitals_checks::{
    Settings, judge,
    settings::{CheckSettings, Pattern},
};
use dbvitals_model::{
    Finding, Snapshot, TargetData, TargetSnapshot,
    report::Skipped,
    snapshot::{Expectations, FORMAT_VERSION},
};

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
    Snapshot {
        format_version: FORMAT_VERSION,
        tool_version: "0.0.0".to_owned(),
        taken_at: jiff::Timestamp::now(),
        targets: vec![TargetSnapshot {
            name: name.to_owned(),
            endpoint: "127.0.0.1".to_owned(),
            data,
            cost: Vec::new(),
            offered: Vec::new(),
            problems: Vec::new(),
            expectations,
        }],
    }
}

/// Judges with that check only, and with these thresholds in place of its own.
pub(crate) fn verdict(check: &str, snapshot: &Snapshot, limits: &[(&str, f64)]) -> Verdict {
    let thresholds = limits.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    let own = CheckSettings { thresholds, ..CheckSettings::default() };
    let settings = Settings {
        checks: BTreeMap::from([(check.to_owned(), own)]),
        only: vec![Pattern::new(check).unwrap()],
        ..Settings::default()
    };
    let report = judge(snapshot, &settings);
    Verdict {
        findings: report.findings,
        skipped: report.coverage.skipped,
        judged: !report.coverage.checked.is_empty(),
    }
}
