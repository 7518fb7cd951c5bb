//! The upper part of the page: head, components, metrics, baseline.

use std::collections::BTreeMap;

use dbvitals_model::report::{MetricStatus, Report, Verdict};

use super::charts::{Ring, ring};
use crate::{digest, humanize, visible, words};

/// Verdict, counts, targets.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) generated: String,
    pub(super) title: String,
    pub(super) ring: Ring,
    pub(super) grade: String,
    pub(super) confidence: String,
    pub(super) verdict: String,
    pub(super) verdict_tone: &'static str,
    pub(super) counts: Vec<(String, &'static str)>,
    pub(super) reasons: Vec<String>,
    pub(super) cap: Option<String>,
    pub(super) targets: Vec<Target>,
    pub(super) lost: Vec<Target>,
}

/// One target.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) facts: String,
    pub(super) endpoint: String,
    pub(super) problems: Vec<String>,
    pub(super) offered: String,
}

/// One component of the score.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) ring: Ring,
    pub(super) grade: String,
    pub(super) known: String,
    pub(super) lost: Vec<Lost>,
}

/// Points lost to the findings of one check.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) points: String,
    pub(super) check: String,
    pub(super) times: String,
}

/// One row of wanted and measured values.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) title: String,
    pub(super) target: String,
    pub(super) wanted: String,
    pub(super) measured: String,
    pub(super) status: &'static str,
    pub(super) tone: &'static str,
    pub(super) mark: &'static str,
}

/// What changed since an earlier report.
#[derive(Debug)]
pub(super) struct Baseline {
    pub(super) since: String,
    pub(super) change: String,
    pub(super) tone: &'static str,
    pub(super) lists: Vec<ChangeList>,
}

/// Findings with the same kind of change.
#[derive(Debug)]
pub(super) struct ChangeList {
    pub(super) label: &'static str,
    pub(super) count: String,
    pub(super) tone: &'static str,
    pub(super) entries: Vec<String>,
}

/// The colour class of a score.
pub(super) fn tone(score: f64) -> &'static str {
    if score >= 85.0 {
        "good"
    } else if score >= 65.0 {
        "fair"
    } else {
        "bad"
    }
}

/// The anchor of each finding on the page.
pub(super) fn anchors(report: &Report) -> BTreeMap<&str, String> {
    let keys = report.findings.iter().map(|f| f.key.as_str());
    keys.enumerate().map(|(place, key)| (key, format!("f{}", place + 1))).collect()
}

pub(super) fn head(report: &Report) -> Head {
    let verdict_tone = match report.readiness.verdict {
        Verdict::Ready => "good",
        Verdict::ReadyWithReservations | Verdict::Unknown => "fair",
        Verdict::NotReady => "bad",
    };
    let (lost, seen): (Vec<_>, Vec<_>) =
        report.targets.iter().partition(|t| digest::is_unreachable(t));
    let names: Vec<String> = report.targets.iter().map(|t| visible::inline(&t.name)).collect();
    Head {
        generated: humanize::timestamp(report.generated_at),
        title: names.join(", "),
        ring: ring(report.score.overall),
        grade: visible::inline(&report.score.grade),
        confidence: humanize::percent(report.score.confidence),
        verdict: words::capitalised(words::verdict(report.readiness.verdict)),
        verdict_tone,
        counts: counts(report),
        reasons: report.readiness.reasons.iter().map(|r| visible::inline(r)).collect(),
        cap: digest::cap(report).map(|cap| visible::inline(&cap)),
        targets: seen.into_iter().map(target).collect(),
        lost: lost.into_iter().map(target).collect(),
    }
}

fn counts(report: &Report) -> Vec<(String, &'static str)> {
    dbvitals_model::Severity::WORST_FIRST
        .into_iter()
        .map(|severity| {
            let count = digest::count(report, severity);
            (digest::counted(count, severity), severity.as_str())
        })
        .collect()
}

fn target(target: &dbvitals_model::report::Target) -> Target {
    Target {
        name: visible::inline(&target.name),
        facts: visible::inline(&words::target_facts(target)),
        endpoint: visible::inline(&target.endpoint),
        problems: target.problems.iter().map(|p| visible::inline(p)).collect(),
        offered: visible::inline(&target.offered.join(", ")),
    }
}

pub(super) fn components(report: &Report) -> Vec<Component> {
    report
        .score
        .components
        .iter()
        .map(|component| Component {
            name: visible::inline(&words::component(&component.id)),
            ring: ring(component.score),
            grade: visible::inline(&component.grade),
            known: humanize::percent(component.confidence),
            lost: digest::points_by_check(report, component)
                .into_iter()
                .map(|(check, points, count)| Lost {
                    points: humanize::points(points),
                    check: visible::inline(check),
                    times: if count > 1 { format!("{count} findings") } else { String::new() },
                })
                .collect(),
        })
        .collect()
}

pub(super) fn metrics(report: &Report) -> Vec<Metric> {
    digest::metrics(report)
        .into_iter()
        .map(|metric| {
            let (tone, mark) = match metric.status {
                MetricStatus::Achieved => ("good", "✓"),
                MetricStatus::Missed => ("bad", "✗"),
                MetricStatus::Unknown => ("unknown", "–"),
            };
            Metric {
                title: visible::inline(words::metric_title(metric)),
                target: visible::inline(&metric.target),
                wanted: words::wanted(metric.wanted, metric.unit),
                measured: words::measured(metric),
                status: words::status(metric.status),
                tone,
                mark,
            }
        })
        .collect()
}

pub(super) fn baseline(report: &Report) -> Option<Baseline> {
    let baseline = report.baseline.as_ref()?;
    let now = report.score.overall.floor();
    let before = baseline.overall_before.floor();
    let lists = digest::change_lists(report)
        .into_iter()
        .map(|(label, entries)| ChangeList {
            label,
            count: humanize::number(entries.len() as f64),
            tone: match (label, entries.is_empty()) {
                (_, true) => "unknown",
                ("new" | "worse", false) => "bad",
                ("better" | "fixed", false) => "good",
                _ => "fair",
            },
            entries: entries.iter().map(|entry| visible::inline(entry)).collect(),
        })
        .collect();
    Some(Baseline {
        since: baseline.baseline_at.map_or_else(String::new, humanize::timestamp),
        change: digest::score_change(baseline.overall_before, report.score.overall),
        tone: if now < before {
            "bad"
        } else if now > before {
            "good"
        } else {
            "unknown"
        },
        lists,
    })
}
