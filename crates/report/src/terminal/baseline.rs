//! What changed since an earlier report.

use dbvitals_model::report::Report;

use super::{Options, severity_style};
use crate::{
    digest, humanize,
    page::{BAD, DIM, FAIR, GOOD, PLAIN, Page, STRONG},
};

/// Entries of one list before the rest is counted.
const SHOWN: usize = 5;

/// The comparison, if the report holds one.
pub(super) fn block(page: &mut Page, report: &Report, options: &Options) {
    let Some(baseline) = &report.baseline else { return };
    let since = baseline.baseline_at.map_or_else(String::new, humanize::timestamp);
    page.heading("SINCE THE BASELINE", &since);
    let change = digest::score_change(baseline.overall_before, report.score.overall);
    page.led(2, (PLAIN, "Score "), STRONG, &change);
    for (label, entries) in digest::change_lists(report) {
        let style = match label {
            "new" | "worse" => BAD,
            "better" | "fixed" => GOOD,
            _ => FAIR,
        };
        list(page, options, (style, label), &entries);
    }
    page.blank();
}

fn list(page: &mut Page, options: &Options, label: (anstyle::Style, &str), entries: &[String]) {
    if entries.is_empty() {
        return;
    }
    let count = humanize::number(entries.len() as f64);
    page.line(2, &[(label.0.bold(), &count), (label.0.bold(), " "), (label.0.bold(), label.1)]);
    let shown = if options.all { entries.len() } else { SHOWN };
    for entry in entries.iter().take(shown) {
        page.led(4, (PLAIN, "- "), PLAIN, entry);
    }
    if entries.len() > shown {
        page.para(4, DIM, &format!("and {} more (--all)", entries.len() - shown));
    }
}

/// The badge of a finding that changed since the baseline.
pub(super) fn badge(change: digest::Change) -> (anstyle::Style, String) {
    let style = match change {
        digest::Change::New | digest::Change::Worse => {
            severity_style(dbvitals_model::Severity::Critical)
        }
        digest::Change::Better => GOOD.bold(),
    };
    (style, format!("[{}]", change.as_str()))
}
