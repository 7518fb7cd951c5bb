//! The lower part: what was not examined and what would open it, what reading cost, the last line.

use dbvitals_model::{Reason, Severity, report::Report};

use super::{Options, score_style, severity_style};
use crate::{
    digest::{self, Obstacle},
    humanize,
    page::{DIM, FAIR, PLAIN, Page, STRONG},
    statement::has_health,
    table::{Align, Table, cell},
    visible, words,
};

/// Checks named for one obstacle before the rest is counted.
const NAMED: usize = 6;
/// Collectors named in the cost line.
const DEAREST: usize = 5;

/// What was not examined and the exact remedy.
pub(super) fn coverage(page: &mut Page, report: &Report, options: &Options) {
    let (ran, skipped) = digest::checks_run(report);
    let note = format!("{ran} checks ran, {skipped} could not or only in part");
    page.heading("COVERAGE", &note);
    let obstacles = digest::obstacles(report);
    let (inapplicable, open): (Vec<_>, Vec<_>) =
        obstacles.iter().partition(|o| o.class == Reason::NotApplicable);
    if open.is_empty() && report.coverage.checked.is_empty() {
        page.para(2, PLAIN, "Nothing could be examined.");
    } else if open.is_empty() {
        page.para(2, PLAIN, "Every check that applies ran.");
    }
    for obstacle in &open {
        one(page, obstacle, options);
    }
    gaps(page, report, options);
    let count: usize = inapplicable.iter().map(|o| o.checks.len()).sum();
    if count > 0 {
        let text = format!(
            "{} not apply to these targets.",
            humanize::plural(count, "check does", "checks do")
        );
        page.para(2, DIM, &text);
        if options.all {
            for obstacle in &inapplicable {
                one(page, obstacle, options);
            }
        }
    }
    page.blank();
}

/// One obstacle: why, what stays unseen, what opens it.
fn one(page: &mut Page, obstacle: &Obstacle<'_>, options: &Options) {
    let parts = if obstacle.parts.is_empty() {
        String::new()
    } else {
        format!(" (in {})", obstacle.parts.join(", "))
    };
    let text = format!(
        "{}: {} [{}]{parts}",
        obstacle.target,
        obstacle.reason,
        words::reason(obstacle.class)
    );
    page.led(2, (FAIR, "• "), STRONG, &text);
    let named = if options.all { obstacle.checks.len() } else { NAMED };
    let mut checks = obstacle.checks.iter().take(named).copied().collect::<Vec<_>>().join(", ");
    if obstacle.checks.len() > named {
        append!(checks, " and {} more", obstacle.checks.len() - named);
    }
    page.led(4, (DIM, "Unseen: "), PLAIN, &checks);
    if let Some(remedy) = obstacle.remedy {
        if digest::is_command(remedy) {
            page.led(4, (DIM, "Opened by:"), PLAIN, "");
            page.statement(4, remedy);
        } else {
            page.led(4, (DIM, "Opened by: "), PLAIN, remedy);
        }
    }
}

/// Sections that were not, or not wholly, collected.
fn gaps(page: &mut Page, report: &Report, options: &Options) {
    let gaps: Vec<_> = digest::gaps(report).collect();
    if gaps.is_empty() {
        return;
    }
    page.led(2, (FAIR, "• "), STRONG, "Sections with gaps");
    let shown = if options.all { gaps.len() } else { NAMED };
    for section in gaps.iter().take(shown) {
        let note = section.note.as_deref().unwrap_or_default();
        page.para(4, PLAIN, &format!("{} {}: {note}", section.target, section.section));
    }
    if gaps.len() > shown {
        page.para(4, DIM, &format!("and {} more (--all)", gaps.len() - shown));
    }
}

/// What reading cost the servers: total and the dearest collectors.
pub(super) fn cost(page: &mut Page, report: &Report, options: &Options) {
    if report.cost.is_empty() {
        return;
    }
    let cost = digest::cost(report);
    page.heading("COST", "what this audit asked of the servers");
    page.para(2, PLAIN, &digest::cost_sentence(&cost));
    let shown = if options.all { cost.collectors } else { DEAREST };
    let mut table = Table::plain(&[Align::Right, Align::Left, Align::Left, Align::Right]);
    for place in cost.dearest.iter().take(shown) {
        let one = &report.cost[*place];
        table.row(vec![
            cell(humanize::duration_ms(one.elapsed_ms)),
            cell(&one.target),
            cell(&one.collector),
            (DIM, humanize::bytes(one.bytes as f64)),
        ]);
    }
    table.print(page, 4);
    page.blank();
}

/// The verdict again: what a reader sees who scrolled to the end.
pub(super) fn last_line(page: &mut Page, report: &Report) {
    let worst = Severity::WORST_FIRST.into_iter().find(|s| digest::count(report, *s) > 0);
    let style = worst.map_or(PLAIN, severity_style);
    if !has_health(report) {
        page.line(0, &[(style, &digest::counts(report))]);
        return;
    }
    let head = format!("{}/100 {}", humanize::score(report.score.overall), report.score.grade);
    let verdict = format!("  {}  ", words::verdict(report.readiness.verdict));
    let room = page.width().saturating_sub(visible::width(&head) + visible::width(&verdict));
    let counts = visible::clip(&digest::counts(report), room);
    page.line(
        0,
        &[(score_style(report.score.overall).bold(), &head), (PLAIN, &verdict), (style, &counts)],
    );
}
