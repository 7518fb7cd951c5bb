//! The lower part of the page: ignored findings, coverage, cost.

use dbvitals_model::{Reason, report::Report};

use crate::{digest, humanize, visible, words};

/// A finding that a rule set aside.
#[derive(Debug)]
pub(super) struct Ignored {
    pub(super) severity: &'static str,
    pub(super) check: String,
    pub(super) target: String,
    pub(super) message: String,
    pub(super) reason: String,
    pub(super) until: String,
}

/// What was examined and what was not.
#[derive(Debug)]
pub(super) struct Coverage {
    pub(super) ran: usize,
    pub(super) skipped: usize,
    pub(super) obstacles: Vec<Obstacle>,
    pub(super) inapplicable: Vec<Obstacle>,
    pub(super) gaps: Vec<Gap>,
    pub(super) checked: Vec<(String, Vec<String>)>,
}

/// Why some checks did not run.
#[derive(Debug)]
pub(super) struct Obstacle {
    pub(super) target: String,
    pub(super) reason: String,
    pub(super) class: &'static str,
    pub(super) parts: String,
    pub(super) checks: Vec<String>,
    pub(super) command: Option<String>,
    pub(super) advice: Option<String>,
}

/// A section with something missing.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) target: String,
    pub(super) section: String,
    pub(super) note: String,
    pub(super) state: &'static str,
}

/// What reading cost.
#[derive(Debug)]
pub(super) struct Cost {
    pub(super) sentence: String,
    pub(super) rows: Vec<CostRow>,
}

/// One collector.
#[derive(Debug)]
pub(super) struct CostRow {
    pub(super) target: String,
    pub(super) collector: String,
    pub(super) elapsed: String,
    pub(super) rows: String,
    pub(super) bytes: String,
    /// Width of the bar between 0 and 100.
    pub(super) bar: String,
}

pub(super) fn ignored(report: &Report) -> Vec<Ignored> {
    report
        .ignored
        .iter()
        .map(|ignored| Ignored {
            severity: ignored.finding.severity.as_str(),
            check: visible::inline(&ignored.finding.check),
            target: visible::inline(&ignored.finding.target),
            message: visible::inline(&ignored.finding.message),
            reason: visible::inline(&ignored.reason),
            until: visible::inline(ignored.until.as_deref().unwrap_or("no end")),
        })
        .collect()
}

pub(super) fn coverage(report: &Report) -> Coverage {
    let (ran, skipped) = digest::checks_run(report);
    let (inapplicable, obstacles): (Vec<_>, Vec<_>) =
        digest::obstacles(report).into_iter().partition(|o| o.class == Reason::NotApplicable);
    let mut checked: Vec<(String, Vec<String>)> = Vec::new();
    for one in &report.coverage.checked {
        let target = visible::inline(&one.target);
        let check = visible::inline(&one.check);
        match checked.iter_mut().find(|(name, _)| *name == target) {
            Some((_, checks)) => checks.push(check),
            None => checked.push((target, vec![check])),
        }
    }
    let silent = report.coverage.sections.iter().filter(|s| s.note.is_none() && !s.collected);
    let gaps = digest::gaps(report).chain(silent);
    Coverage {
        ran,
        skipped,
        obstacles: obstacles.iter().map(obstacle).collect(),
        inapplicable: inapplicable.iter().map(obstacle).collect(),
        gaps: gaps
            .map(|section| Gap {
                target: visible::inline(&section.target),
                section: visible::inline(&section.section),
                note: visible::inline(section.note.as_deref().unwrap_or_default()),
                state: if section.collected { "in part" } else { "not collected" },
            })
            .collect(),
        checked,
    }
}

fn obstacle(obstacle: &digest::Obstacle<'_>) -> Obstacle {
    let is_command = obstacle.remedy.is_some_and(digest::is_command);
    let remedy = obstacle.remedy.map(visible::inline);
    Obstacle {
        target: visible::inline(obstacle.target),
        reason: visible::inline(obstacle.reason),
        class: words::reason(obstacle.class),
        parts: visible::inline(&obstacle.parts.join(", ")),
        checks: obstacle.checks.iter().map(|check| visible::inline(check)).collect(),
        command: remedy.clone().filter(|_| is_command),
        advice: remedy.filter(|_| !is_command),
    }
}

pub(super) fn cost(report: &Report) -> Option<Cost> {
    if report.cost.is_empty() {
        return None;
    }
    let cost = digest::cost(report);
    let most = cost.dearest.first().map_or(0.0, |place| report.cost[*place].elapsed_ms);
    let rows = cost.dearest.iter().map(|place| {
        let one = &report.cost[*place];
        CostRow {
            target: visible::inline(&one.target),
            collector: visible::inline(&one.collector),
            elapsed: humanize::duration_ms(one.elapsed_ms),
            rows: humanize::number(one.rows as f64),
            bytes: humanize::bytes(one.bytes as f64),
            bar: format!("{:.2}", if most > 0.0 { 100.0 * one.elapsed_ms / most } else { 0.0 }),
        }
    });
    Some(Cost { sentence: digest::cost_sentence(&cost), rows: rows.collect() })
}
