//! The findings of the page, by severity and check.

use dbvitals_model::{Finding, Fix, FixKind, Severity, report::Report};

use super::view;
use crate::{
    digest::{self, Change},
    humanize, visible, words,
};

/// All findings of a severity.
#[derive(Debug)]
pub(super) struct SeverityBlock {
    pub(super) severity: &'static str,
    pub(super) title: String,
    pub(super) count: usize,
    pub(super) groups: Vec<GroupBlock>,
}

/// All findings of a check.
#[derive(Debug)]
pub(super) struct GroupBlock {
    pub(super) check: String,
    pub(super) count: usize,
    pub(super) points: Option<String>,
    pub(super) findings: Vec<FindingBlock>,
}

/// One finding.
#[derive(Debug)]
pub(super) struct FindingBlock {
    pub(super) anchor: String,
    pub(super) severity: &'static str,
    pub(super) is_open: bool,
    pub(super) target: String,
    pub(super) message: String,
    pub(super) change: Option<&'static str>,
    pub(super) evidence: Vec<EvidenceRow>,
    pub(super) recommendation: String,
    pub(super) impact: Option<String>,
    pub(super) fix: Option<FixBlock>,
    pub(super) key: String,
}

/// One measurement.
#[derive(Debug)]
pub(super) struct EvidenceRow {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) threshold: String,
    pub(super) source: String,
}

/// A fix with what a person must know before running it.
#[derive(Debug)]
pub(super) struct FixBlock {
    pub(super) kind: &'static str,
    pub(super) tone: &'static str,
    pub(super) place: String,
    pub(super) lock: String,
    pub(super) blocks: String,
    pub(super) statements: String,
    pub(super) undo: String,
    pub(super) undo_note: &'static str,
    pub(super) is_altered: bool,
}

/// Severities that have findings, worst first.
pub(super) fn all(report: &Report) -> Vec<SeverityBlock> {
    let points = digest::points(report);
    let changes = digest::changes(report);
    let anchors = view::anchors(report);
    let mut blocks: Vec<SeverityBlock> = Vec::new();
    for group in digest::groups(report) {
        let lost: f64 = group.findings.iter().filter_map(|f| points.get(f.key.as_str())).sum();
        let findings = group.findings.iter().map(|finding| {
            let key = finding.key.as_str();
            let anchor = anchors.get(key).cloned().unwrap_or_default();
            one(finding, anchor, changes.get(key).copied())
        });
        let block = GroupBlock {
            check: visible::inline(group.check),
            count: group.findings.len(),
            points: (lost > 0.0).then(|| humanize::points(lost)),
            findings: findings.collect(),
        };
        let severity = group.severity.as_str();
        match blocks.last_mut() {
            Some(last) if last.severity == severity => last.groups.push(block),
            _ => blocks.push(SeverityBlock {
                severity,
                title: words::capitalised(severity),
                count: digest::count(report, group.severity),
                groups: vec![block],
            }),
        }
    }
    blocks
}

fn one(finding: &Finding, anchor: String, change: Option<Change>) -> FindingBlock {
    FindingBlock {
        anchor,
        severity: finding.severity.as_str(),
        is_open: finding.severity == Severity::Critical,
        target: visible::inline(&finding.target),
        message: visible::inline(&finding.message),
        change: change.map(Change::as_str),
        evidence: finding.evidence.iter().map(evidence).collect(),
        recommendation: visible::inline(&finding.recommendation),
        impact: finding.impact.as_ref().map(|impact| visible::inline(impact)),
        fix: finding.fix.as_ref().map(|fix| fix_block(&digest::place(finding), fix)),
        key: visible::inline(&finding.key),
    }
}

fn evidence(item: &dbvitals_model::Evidence) -> EvidenceRow {
    EvidenceRow {
        label: visible::inline(&item.label),
        value: visible::inline(&humanize::measure(&item.value, item.unit)),
        threshold: visible::inline(&words::threshold(item).unwrap_or_default()),
        source: visible::inline(&item.source),
    }
}

/// A fix, and where to run it.
pub(super) fn fix_block(place: &str, fix: &Fix) -> FixBlock {
    let tone = match fix.kind {
        FixKind::Safe => "good",
        FixKind::Review => "fair",
        FixKind::Manual => "bad",
    };
    let joined = |statements: &[String]| {
        let shown: Vec<String> = statements.iter().map(|s| visible::block(s.trim_end())).collect();
        shown.join("\n")
    };
    FixBlock {
        kind: words::fix_kind(fix.kind),
        tone,
        place: visible::inline(place),
        lock: visible::inline(&fix.lock),
        blocks: visible::inline(&fix.blocks),
        statements: joined(&fix.statements),
        undo: joined(&fix.undo),
        undo_note: match (fix.reversible, fix.undo.is_empty()) {
            (true, true) => "changes nothing that needs undoing",
            (true, false) => "restores what was there before",
            (false, true) => "cannot be undone",
            (false, false) => "restores a part of what was there before",
        },
        is_altered: fix.statements.iter().chain(&fix.undo).any(|s| visible::is_altered(s)),
    }
}
