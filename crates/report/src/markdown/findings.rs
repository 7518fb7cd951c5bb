//! Findings as foldable blocks, worst first.

use dbvitals_model::{Finding, Fix, Severity, report::Report};

use super::escape::{cell, fence, html, text};
use crate::{
    digest::{self, Change},
    humanize, words,
};

/// All findings: the critical ones open, the others folded.
pub(super) fn all(out: &mut String, report: &Report) {
    out.push_str("## Findings\n\n");
    if report.findings.is_empty() {
        out.push_str("Nothing was found by the checks that could run.\n\n");
        return;
    }
    let changes = digest::changes(report);
    let mut severity = None;
    for group in digest::groups(report) {
        if severity != Some(group.severity) {
            severity = Some(group.severity);
            let counted = digest::counted(digest::count(report, group.severity), group.severity);
            append!(out, "### {} {counted}\n\n", mark(group.severity));
        }
        append!(out, "#### {}\n\n", text(group.check));
        for finding in group.findings {
            let change = changes.get(finding.key.as_str()).copied();
            one(out, finding, change);
        }
    }
}

fn one(out: &mut String, finding: &Finding, change: Option<Change>) {
    let open = if finding.severity == Severity::Critical { " open" } else { "" };
    let badge = change.map_or_else(String::new, |c| format!("[{}] ", c.as_str()));
    append!(
        out,
        "<details{open}><summary>{badge}{}: {}</summary>\n\n",
        html(&finding.target),
        html(&finding.message)
    );
    if !finding.evidence.is_empty() {
        out.push_str("| Evidence | Value | Threshold | Source |\n|---|--:|--:|---|\n");
        for item in &finding.evidence {
            append!(
                out,
                "| {} | {} | {} | {} |\n",
                cell(&item.label),
                cell(&humanize::measure(&item.value, item.unit)),
                cell(&words::threshold(item).unwrap_or_default()),
                cell(&item.source)
            );
        }
        out.push('\n');
    }
    if !finding.recommendation.is_empty() {
        append!(out, "{}\n\n", text(&finding.recommendation));
    }
    if let Some(impact) = &finding.impact {
        append!(out, "Effect: {}\n\n", text(impact));
    }
    if let Some(fix) = &finding.fix {
        fix_block(out, words::language(finding), &digest::place(finding), fix);
    }
    out.push_str("</details>\n\n");
}

/// Terms, statements, undo; `place` is where to run them.
pub(super) fn fix_block(out: &mut String, language: &str, place: &str, fix: &Fix) {
    append!(
        out,
        "**Fix**, {}; run in {}; {}\n\n",
        words::fix_kind(fix.kind),
        text(place),
        text(&digest::fix_terms(fix))
    );
    out.push_str(&fence(language, &fix.statements, ""));
    out.push('\n');
    if !fix.undo.is_empty() {
        out.push_str("Undo:\n\n");
        out.push_str(&fence(language, &fix.undo, ""));
        out.push('\n');
    }
}

/// Findings that ignore rules set aside.
pub(super) fn ignored(out: &mut String, report: &Report) {
    if report.ignored.is_empty() {
        return;
    }
    let count = humanize::plural(report.ignored.len(), "finding", "findings");
    append!(out, "<details><summary>{count} ignored by rule</summary>\n\n");
    out.push_str(
        "| Severity | Check | Target | Finding | Reason | Until |\n|---|---|---|---|---|---|\n",
    );
    for ignored in &report.ignored {
        append!(
            out,
            "| {} | {} | {} | {} | {} | {} |\n",
            ignored.finding.severity,
            cell(&ignored.finding.check),
            cell(&ignored.finding.target),
            cell(&ignored.finding.message),
            cell(&ignored.reason),
            cell(ignored.until.as_deref().unwrap_or("–"))
        );
    }
    out.push_str("\n</details>\n\n");
}

fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🔴",
        Severity::Warning => "🟡",
        Severity::Info => "🔵",
    }
}
