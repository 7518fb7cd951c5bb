//! The report for a terminal: head, unreachable targets, scores, findings worst first, coverage, cost.

mod baseline;
mod closing;
mod cluster;
mod findings;
mod fix;
mod health;
mod latency;
mod looks;
mod statement;
mod time;

use anstyle::Style;
use dbvitals_model::{Severity, report::Report};

use crate::{
    ColorChoice, digest,
    page::{BAD, FAIR, NOTE, Page},
    statement::has_health,
};

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Cells per line. Statements to paste are never broken, whatever their length.
    pub width: usize,
    /// Whether to paint.
    pub color: ColorChoice,
    /// Show every finding with its evidence and fix, and every obstacle with its checks.
    pub all: bool,
    /// Findings of one check shown in full before the rest becomes a list.
    pub per_check: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 80, color: ColorChoice::Never, all: false, per_check: 3 }
    }
}

/// The whole report.
pub fn render(report: &Report, options: &Options) -> String {
    let mut page = Page::new(options.width, options.color);
    health::title(&mut page, report);
    health::unreachable(&mut page, report);
    let has_health = has_health(report);
    if has_health {
        health::score(&mut page, report);
        health::targets(&mut page, report);
    }
    cluster::block(&mut page, report);
    baseline::block(&mut page, report, options);
    if has_health {
        health::components(&mut page, report);
        health::metrics(&mut page, report);
    }
    statement::block(&mut page, report, options);
    time::block(&mut page, report, options.all);
    latency::block(&mut page, report);
    looks::block(&mut page, report, options.all);
    if digest::is_by_text(report) {
        return page.finish();
    }
    findings::block(&mut page, report, options);
    findings::ignored(&mut page, report, options);
    closing::coverage(&mut page, report, options);
    closing::cost(&mut page, report, options);
    closing::last_line(&mut page, report);
    page.finish()
}

/// The colour of a severity.
fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => BAD.bold(),
        Severity::Warning => FAIR.bold(),
        Severity::Info => NOTE.bold(),
    }
}

/// The colour of a score between 0 and 100.
fn score_style(score: f64) -> Style {
    if score >= 85.0 {
        crate::page::GOOD
    } else if score >= 65.0 {
        FAIR
    } else {
        BAD
    }
}
