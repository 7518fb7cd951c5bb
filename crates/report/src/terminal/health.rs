//! The upper part: title, unreachable targets, score, targets, components, metrics.

use dbvitals_model::report::{ComponentScore, MetricStatus, Report, Target, Verdict};

use super::score_style;
use crate::{
    digest, humanize,
    page::{BAD, DIM, FAIR, GOOD, PLAIN, Page, STRONG, bar},
    table::{Align, Table, cell},
    words,
};

/// Who wrote it and when the servers were looked at.
pub(super) fn title(page: &mut Page, report: &Report) {
    let name = format!("{} {}", report.tool.name, report.tool.version);
    let at = format!("  {}", humanize::timestamp(report.generated_at));
    page.line(0, &[(STRONG, &name), (DIM, &at)]);
    page.blank();
}

/// Targets of which nothing is known: the reader must not take the rest for the whole.
pub(super) fn unreachable(page: &mut Page, report: &Report) {
    let lost: Vec<&Target> = report.targets.iter().filter(|t| digest::is_unreachable(t)).collect();
    if lost.is_empty() {
        return;
    }
    page.heading("NOT EXAMINED", &humanize::plural(lost.len(), "target", "targets"));
    for target in lost {
        let facts = format!("{}: {} at {}", target.name, target.kind.as_str(), target.endpoint);
        page.led(2, (BAD.bold(), "✗ "), STRONG, &facts);
        for problem in &target.problems {
            page.para(4, PLAIN, problem);
        }
    }
    page.blank();
}

/// The verdict in one look, then its reasons.
pub(super) fn score(page: &mut Page, report: &Report) {
    let score = &report.score;
    page.heading("HEALTH", &digest::counts(report));
    let value = humanize::score(score.overall);
    let verdict = words::verdict(report.readiness.verdict).to_uppercase();
    let verdict_style = match report.readiness.verdict {
        Verdict::Ready => GOOD,
        Verdict::ReadyWithReservations | Verdict::Unknown => FAIR,
        Verdict::NotReady => BAD,
    };
    let style = score_style(score.overall).bold();
    let confidence = format!("confidence {}", humanize::percent(score.confidence));
    let head = [(style, value.as_str()), (PLAIN, " of 100   grade "), (style, &score.grade)];
    let sure = [(PLAIN, confidence.as_str()), (PLAIN, "   ")];
    let said = [(verdict_style.bold(), verdict.as_str())];
    if page.width() >= 72 {
        page.line(2, &[&head[..], &[(PLAIN, "   ")], &sure, &said].concat());
    } else {
        page.line(2, &head);
        page.line(2, &sure);
        page.line(2, &said);
    }
    for reason in &report.readiness.reasons {
        page.led(2, (PLAIN, "- "), PLAIN, reason);
    }
    if let Some(cap) = digest::cap(report) {
        page.led(2, (DIM, "Capped by: "), PLAIN, &cap);
    }
    page.blank();
}

/// The examined targets, with what went wrong on the way and what else was seen.
pub(super) fn targets(page: &mut Page, report: &Report) {
    let examined: Vec<&Target> =
        report.targets.iter().filter(|t| !digest::is_unreachable(t)).collect();
    page.heading("TARGETS", &format!("{} examined", examined.len()));
    let mut table = Table::plain(&[Align::Left, Align::Left, Align::Left]);
    for target in &examined {
        let facts = words::target_facts(target);
        table.row(vec![(STRONG, target.name.clone()), cell(facts), cell(&target.endpoint)]);
    }
    table.print(page, 2);
    for target in &examined {
        for problem in &target.problems {
            page.led(2, (FAIR, "! "), PLAIN, &format!("{}: {problem}", target.name));
        }
        if !target.offered.is_empty() {
            let text = format!(
                "{} also knows {}: not examined; name them as targets to include them",
                target.name,
                target.offered.join(", ")
            );
            page.led(2, (DIM, "+ "), PLAIN, &text);
        }
    }
    page.blank();
}

/// Scores by component with the dearest deductions.
pub(super) fn components(page: &mut Page, report: &Report) {
    if report.score.components.is_empty() {
        return;
    }
    page.heading("COMPONENTS", "");
    let cells = if page.width() < 72 { 0 } else { (page.width() / 8).min(20) };
    let mut table = Table::headed(&[
        ("component", Align::Left),
        ("score", Align::Right),
        ("grade", Align::Left),
        ("", Align::Left),
        ("known", Align::Right),
        ("lost by", Align::Left),
    ]);
    for component in &report.score.components {
        let style = score_style(component.score);
        table.row(vec![
            cell(words::component(&component.id)),
            (style, humanize::score(component.score)),
            (style, component.grade.clone()),
            (style, bar(component.score / 100.0, cells)),
            cell(humanize::percent(component.confidence)),
            (DIM, lost_by(report, component)),
        ]);
    }
    table.print(page, 2);
    page.blank();
}

/// The check that cost a component most of its points, and how many other findings did.
fn lost_by(report: &Report, component: &ComponentScore) -> String {
    let by_check = digest::points_by_check(report, component);
    let Some((check, _, count)) = by_check.first() else { return String::new() };
    let times = if *count > 1 { format!(" ({count})") } else { String::new() };
    let others = component.deductions.len() - count;
    match others {
        0 => format!("{check}{times}"),
        _ => format!("{check}{times} and {others} more"),
    }
}

/// The target / achieved / status table: missed values first.
pub(super) fn metrics(page: &mut Page, report: &Report) {
    if report.metrics.is_empty() {
        return;
    }
    let missed = report.metrics.iter().filter(|m| m.status == MetricStatus::Missed).count();
    page.heading("WANTED AND MEASURED", &format!("{missed} of {} missed", report.metrics.len()));
    let mut table = Table::headed(&[
        ("metric", Align::Left),
        ("target", Align::Left),
        ("wanted", Align::Right),
        ("measured", Align::Right),
        ("status", Align::Left),
    ]);
    for metric in digest::metrics(report) {
        let style = match metric.status {
            MetricStatus::Achieved => GOOD,
            MetricStatus::Missed => BAD,
            MetricStatus::Unknown => DIM,
        };
        table.row(vec![
            cell(words::metric_title(metric)),
            cell(&metric.target),
            cell(words::wanted(metric.wanted, metric.unit)),
            (style, words::measured(metric)),
            (style, words::status(metric.status).to_owned()),
        ]);
    }
    table.print(page, 2);
    page.blank();
}
