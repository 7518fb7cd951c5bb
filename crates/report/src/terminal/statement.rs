//! Analysed statements with the trees of their plans.

use dbvitals_model::{
    Severity,
    report::{Analysed, PlanTree, Report, Step},
    statement::Suggestion,
};

use super::{Options, fix};
use crate::{
    humanize,
    page::{BAD, DIM, FAIR, GOOD, NOTE, PLAIN, Page, STRONG, bar},
    statement, visible,
};

/// Lines of a text that are shown unless everything is wanted.
const LINES: usize = 12;
/// Cells of a bar.
const BAR: usize = 6;
/// Cells a title has at least: deeper nodes are not indented further, and told by their path.
const TITLE: usize = 24;
/// Narrower pages have no bars.
const NARROW: usize = 64;
/// A node that takes this share is painted.
const HOT: f64 = 0.25;

/// Every statement.
pub(super) fn block(page: &mut Page, report: &Report, options: &Options) {
    for one in &report.statements {
        page.heading("STATEMENT", &one.target);
        text(page, one, options);
        for line in [Some(statement::facts(one)), statement::calls(one)].into_iter().flatten() {
            if !line.is_empty() {
                page.para(2, DIM, &line);
            }
        }
        if let Some(refused) = &one.refused {
            page.led(2, (FAIR, "! "), PLAIN, refused);
        }
        for (place, plan) in one.plans.iter().enumerate() {
            page.blank();
            page.para(2, STRONG, &statement::plan(plan));
            if place == 0 || options.all {
                tree(page, plan, options);
            }
        }
        for rewrite in &one.rewrites {
            page.blank();
            let style = match (rewrite.is_idle() || rewrite.is_refuted(), rewrite.is_equivalent) {
                (true, _) => DIM,
                (false, true) => GOOD.bold(),
                (false, false) => NOTE.bold(),
            };
            page.led(2, (style, "↻ "), STRONG, &format!("{} ({})", rewrite.what, rewrite.rule));
            page.para(4, PLAIN, &format!("{} {}", rewrite.why, statement::promise(rewrite)));
            if let Some(text) = &rewrite.text {
                page.statement(4, &format!("{text};"));
            }
        }
        for suggestion in &one.suggestions {
            suggest(page, suggestion);
        }
        for why in &one.missing {
            page.led(2, (BAD, "✗ "), PLAIN, &why.detail);
            if let Some(remedy) = &why.remedy {
                page.para(4, NOTE, remedy);
            }
        }
        page.blank();
    }
}

/// A suggestion is set apart from what is proved: by its sign, and by the word.
fn suggest(page: &mut Page, suggestion: &Suggestion) {
    page.blank();
    let style = if suggestion.severity > Severity::Info { FAIR.bold() } else { NOTE.bold() };
    let label = statement::label(suggestion);
    page.led(2, (style, "? "), STRONG, &format!("{} ({label})", suggestion.what));
    page.para(4, PLAIN, &suggestion.why);
    page.para(4, PLAIN, &statement::instead(suggestion));
    page.para(4, DIM, &statement::changes(suggestion));
    if let Some(text) = &suggestion.text {
        page.statement(4, &format!("{text};"));
    }
    if let Some(it) = &suggestion.fix {
        fix::block(page, statement::PLACE, it);
    }
}

fn text(page: &mut Page, one: &Analysed, options: &Options) {
    let lines: Vec<&str> = one.text.lines().collect();
    let shown = if options.all { lines.len() } else { LINES.min(lines.len()) };
    for line in &lines[..shown] {
        let cells = if options.all { usize::MAX } else { page.width() * 3 };
        page.para(2, NOTE, &statement::middle_out(line, cells));
    }
    if shown < lines.len() {
        page.para(2, DIM, &format!("and {} lines more (--all)", lines.len() - shown));
    }
}

fn tree(page: &mut Page, plan: &PlanTree, options: &Options) {
    for step in &plan.steps {
        node(page, plan, step, options);
    }
    for (name, ms) in &plan.besides {
        let (_, before) = lead(page, plan, 0.0, 0.0);
        let text = format!("{:>before$}  {name}", humanize::duration_ms(*ms), before = before - 2);
        page.line(2, &[(PLAIN, &visible::clip(&text, page.width() - 2))]);
    }
}

fn node(page: &mut Page, plan: &PlanTree, step: &Step, options: &Options) {
    let style = if step.ratio >= HOT { FAIR.bold() } else { PLAIN };
    let (share, before) = lead(page, plan, step.ratio, step.own);
    let space = page.width().saturating_sub(2 + before + 2);
    let deepest = space.saturating_sub(TITLE) / 2;
    let indent = "  ".repeat(step.depth.min(deepest));
    let deep = if step.depth > deepest { format!("{} ", step.path) } else { String::new() };
    let aside = step.aside.as_ref().map(|aside| format!("{aside}: ")).unwrap_or_default();
    let branch = if step.depth == 0 { "" } else { "└ " };
    let room = space.saturating_sub(indent.len());
    let title = visible::clip(&visible::inline(&format!("{deep}{aside}{}", step.title)), room);
    let rows = statement::rows(step);
    let mut marks = String::new();
    for check in &step.findings {
        append!(marks, "  ◂ {check}");
    }
    let tail = if rows.is_empty() { String::new() } else { format!("  {rows}") };
    let fits = visible::width(&title) + visible::width(&tail) + visible::width(&marks) <= room;
    let branch = format!("{indent}{branch}");
    if fits {
        page.line(
            2,
            &[(style, &share), (DIM, &branch), (style, &title), (DIM, &tail), (BAD, &marks)],
        );
    } else {
        page.line(2, &[(style, &share), (DIM, &branch), (style, &title)]);
        let below = 2 + before + indent.len() + 2;
        for (style, line) in [(DIM, tail.trim()), (BAD, marks.trim())] {
            if !line.is_empty() {
                page.para(below.min(page.width() / 2), style, line);
            }
        }
    }
    let below = (2 + before + indent.len() + 2).min(page.width() / 2);
    for (label, text) in &step.details {
        let cells = page.width().saturating_sub(below + label.len() + 2);
        let text =
            if options.all { visible::inline(text) } else { statement::middle_out(text, cells) };
        page.para(below, DIM, &format!("{label}: {text}"));
    }
}

/// What stands before a node, and its cells: a bar, the share, the time or cost.
fn lead(page: &Page, plan: &PlanTree, ratio: f64, own: f64) -> (String, usize) {
    let percent = humanize::percent(ratio);
    let text = if page.width() < NARROW {
        format!("{percent:>6}  ")
    } else {
        let amount = statement::amount(plan, own).replace("cost ", "");
        format!("{} {percent:>6} {amount:>10}  ", bar(ratio, BAR))
    };
    let cells = visible::width(&text);
    (text, cells)
}
