//! Analysed statements with the trees of their plans.

use dbvitals_model::{
    report::{PlanTree, Report},
    statement::Suggestion,
};

use super::{
    escape::{fence, text},
    findings::fix_block,
};
use crate::{humanize, statement, visible};

/// One section per statement.
pub(super) fn all(out: &mut String, report: &Report) {
    for one in &report.statements {
        append!(
            out,
            "## {}\n\n{}\n",
            text(&one.target),
            fence("sql", std::slice::from_ref(&one.text), "")
        );
        for line in [Some(statement::facts(one)), statement::calls(one)].into_iter().flatten() {
            if !line.is_empty() {
                append!(out, "{}\n\n", text(&line));
            }
        }
        if let Some(why) = &one.refused {
            append!(out, "- {}\n", text(why));
        }
        for why in &one.missing {
            append!(out, "- **no plan**: {}", text(&why.detail));
            if let Some(remedy) = &why.remedy {
                append!(out, "; {}", text(remedy));
            }
            out.push('\n');
        }
        for rewrite in &one.rewrites {
            append!(
                out,
                "\n**{}** ({}) {} {}\n\n",
                text(&rewrite.what),
                text(&rewrite.rule),
                text(&rewrite.why),
                text(&statement::promise(rewrite))
            );
            if let Some(written) = &rewrite.text {
                append!(out, "{}\n", fence("sql", std::slice::from_ref(written), ""));
            }
        }
        for suggestion in &one.suggestions {
            suggest(out, suggestion);
        }
        for plan in &one.plans {
            append!(
                out,
                "\n**{}**\n\n{}\n",
                text(&statement::plan(plan)),
                fence("text", &[tree(plan)], "")
            );
        }
    }
}

/// A suggestion is set apart from what is proved by the word.
fn suggest(out: &mut String, suggestion: &Suggestion) {
    append!(out, "\n**{}** ({})\n\n", text(&suggestion.what), text(&statement::label(suggestion)));
    for part in [&suggestion.why, &statement::instead(suggestion), &statement::changes(suggestion)]
    {
        append!(out, "{}\n\n", text(part));
    }
    if let Some(written) = &suggestion.text {
        append!(out, "{}\n", fence("sql", std::slice::from_ref(written), ""));
    }
    if let Some(fix) = &suggestion.fix {
        fix_block(out, "sql", statement::PLACE, fix);
    }
}

fn tree(plan: &PlanTree) -> String {
    let mut lines = String::new();
    for step in &plan.steps {
        let indent = "  ".repeat(step.depth);
        let aside = step.aside.as_ref().map(|aside| format!("{aside}: ")).unwrap_or_default();
        let amount = statement::amount(plan, step.own);
        append!(
            lines,
            "{:>5} {:>10}  {indent}{}  {}",
            humanize::percent(step.ratio),
            amount.replace("cost ", ""),
            visible::inline(&format!("{aside}{}", step.title)),
            statement::rows(step)
        );
        for check in &step.findings {
            append!(lines, "  <- {check}");
        }
        lines.push('\n');
        for (label, detail) in &step.details {
            append!(lines, "                    {indent}{label}: {}\n", visible::inline(detail));
        }
    }
    lines
}
