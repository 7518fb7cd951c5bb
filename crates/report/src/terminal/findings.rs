//! Findings, worst first, grouped by check: some in full, the rest as a list.

use std::collections::BTreeMap;

use dbvitals_model::{Finding, Severity, report::Report};

use super::{Options, baseline, fix, severity_style};
use crate::{
    digest::{self, Change, Group},
    humanize,
    page::{DIM, PLAIN, Page, STRONG},
    table::{Align, Table, cell},
    visible, words,
};

/// Findings of one check that are listed with one line each, after those shown in full.
const LISTED: usize = 12;

/// What is known of findings beside themselves.
struct Context<'a> {
    options: &'a Options,
    points: BTreeMap<&'a str, f64>,
    changes: BTreeMap<&'a str, Change>,
}

/// All findings.
pub(super) fn block(page: &mut Page, report: &Report, options: &Options) {
    page.heading("FINDINGS", &digest::counts(report));
    if report.findings.is_empty() {
        page.para(2, PLAIN, "Nothing was found by the checks that could run.");
        page.blank();
        return;
    }
    let context =
        Context { options, points: digest::points(report), changes: digest::changes(report) };
    for group in digest::groups(report) {
        page.blank();
        head(page, &context, &group);
        if group.severity == Severity::Info && !options.all {
            brief(page, &context, &group);
        } else {
            full(page, &context, &group);
        }
    }
    page.blank();
    if !options.all && digest::count(report, Severity::Info) > 0 {
        page.para(0, DIM, "Info findings are shown in brief; --all adds their evidence and fixes.");
        page.blank();
    }
}

/// `CRITICAL pg-long-transaction · 4 findings · −12 points`.
fn head(page: &mut Page, context: &Context<'_>, group: &Group<'_>) {
    let badge = group.severity.as_str().to_uppercase();
    let lost: f64 = group.findings.iter().filter_map(|f| context.points.get(f.key.as_str())).sum();
    let mut note = String::new();
    if group.findings.len() > 1 {
        append!(note, " · {} findings", group.findings.len());
    }
    if lost > 0.0 {
        append!(note, " · −{} points", humanize::points(lost));
    }
    let room = page.width().saturating_sub(badge.len() + 1 + visible::width(&note));
    let check = visible::clip(group.check, room);
    page.line(
        0,
        &[(severity_style(group.severity), &badge), (PLAIN, " "), (STRONG, &check), (DIM, &note)],
    );
}

/// The first findings with everything, the others as a list.
fn full(page: &mut Page, context: &Context<'_>, group: &Group<'_>) {
    let in_full =
        if context.options.all { group.findings.len() } else { context.options.per_check };
    for (place, finding) in group.findings.iter().take(in_full).enumerate() {
        if place > 0 {
            page.blank();
        }
        let is_repeated = place > 0 && group.findings[0].recommendation == finding.recommendation;
        whole(page, context, finding, is_repeated);
    }
    rest(page, group.findings.get(in_full..).unwrap_or_default());
}

/// One finding with evidence, recommendation, fix and effect.
fn whole(page: &mut Page, context: &Context<'_>, finding: &Finding, is_repeated: bool) {
    message(page, context, finding, STRONG);
    evidence(page, finding);
    if !finding.recommendation.is_empty() && !is_repeated {
        page.para(4, PLAIN, &finding.recommendation);
    }
    if let Some(impact) = &finding.impact {
        page.led(4, (DIM, "Effect: "), PLAIN, impact);
    }
    if let Some(fix) = &finding.fix {
        fix::block(page, &digest::place(finding), fix);
    }
}

/// Target and message, with the change since the baseline.
fn message(page: &mut Page, context: &Context<'_>, finding: &Finding, style: anstyle::Style) {
    let text = match context.changes.get(finding.key.as_str()) {
        Some(change) => format!("{} {}", baseline::badge(*change).1, finding.message),
        None => finding.message.clone(),
    };
    page.led(2, (PLAIN, "• "), style, &format!("{}: {text}", finding.target));
}

/// Evidence, one line each: label, value, threshold, source; as sentences where a line is too short.
fn evidence(page: &mut Page, finding: &Finding) {
    let mut table = Table::plain(&[Align::Left, Align::Left, Align::Left, Align::Left]);
    for item in &finding.evidence {
        let threshold = words::threshold(item);
        let threshold = threshold.map_or_else(String::new, |text| format!("threshold {text}"));
        let value = humanize::measure(&item.value, item.unit);
        table.row(vec![
            (DIM, item.label.clone()),
            cell(value),
            cell(threshold),
            (DIM, item.source.clone()),
        ]);
    }
    if table.fits(page, 4) {
        table.print(page, 4);
        return;
    }
    for item in &finding.evidence {
        let threshold = words::threshold(item);
        let threshold = threshold.map_or_else(String::new, |text| format!(", threshold {text}"));
        let value = humanize::measure(&item.value, item.unit);
        let text = format!("{}: {value}{threshold} ({})", item.label, item.source);
        page.led(4, (DIM, "· "), PLAIN, &text);
    }
}

/// Info findings: their messages only.
fn brief(page: &mut Page, context: &Context<'_>, group: &Group<'_>) {
    let shown = context.options.per_check;
    for finding in group.findings.iter().take(shown) {
        message(page, context, finding, PLAIN);
    }
    rest(page, group.findings.get(shown..).unwrap_or_default());
}

/// The findings beyond those shown, as a list, and beyond the list as a number.
fn rest(page: &mut Page, findings: &[&Finding]) {
    if findings.is_empty() {
        return;
    }
    page.blank();
    page.line(4, &[(DIM, &format!("{} more; --all shows each in full:", findings.len()))]);
    let mut table = Table::plain(&[Align::Left, Align::Left, Align::Left]);
    let room = page.width() / 2;
    for finding in findings.iter().take(LISTED) {
        let leading = finding.evidence.first().map_or_else(String::new, |item| {
            format!("{} {}", item.label, humanize::measure(&item.value, item.unit))
        });
        table.row(vec![
            cell(visible::clip(&words::object(finding), room)),
            (DIM, visible::clip(&words::location(finding), page.width() / 5)),
            cell(visible::clip(&leading, page.width() / 4)),
        ]);
    }
    table.print(page, 4);
    if findings.len() > LISTED {
        page.line(4, &[(DIM, &format!("… and {} others", findings.len() - LISTED))]);
    }
}

/// Findings that ignore rules set aside, with the rule's reason.
pub(super) fn ignored(page: &mut Page, report: &Report, options: &Options) {
    if report.ignored.is_empty() {
        return;
    }
    page.heading("IGNORED BY RULE", &humanize::plural(report.ignored.len(), "finding", "findings"));
    let shown = if options.all { report.ignored.len() } else { LISTED };
    for ignored in report.ignored.iter().take(shown) {
        let finding = &ignored.finding;
        let until =
            ignored.until.as_ref().map_or_else(String::new, |until| format!(", until {until}"));
        let text = format!("{} {}: {}", finding.severity, finding.target, finding.message);
        page.led(2, (PLAIN, "• "), PLAIN, &text);
        page.led(4, (DIM, "Rule: "), DIM, &format!("{}{until}", ignored.reason));
    }
    if report.ignored.len() > shown {
        page.para(2, DIM, &format!("and {} more (--all)", report.ignored.len() - shown));
    }
    page.blank();
}
