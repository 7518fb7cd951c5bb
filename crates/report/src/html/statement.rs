//! Analysed statements, ready to show: nodes as foldable blocks inside one another.

use dbvitals_model::{
    Severity,
    report::{Analysed, PlanTree, Report, Step},
    statement::Suggestion,
};

use super::findings::{FixBlock, fix_block};

use crate::{humanize, statement, visible};

/// One statement.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) facts: Vec<String>,
    pub(super) troubles: Vec<String>,
    pub(super) plans: Vec<Plan>,
    pub(super) rewrites: Vec<Rewrite>,
    pub(super) suggestions: Vec<Suggested>,
}

/// Another way to write it.
#[derive(Debug)]
pub(super) struct Rewrite {
    pub(super) what: String,
    pub(super) promise: String,
    pub(super) text: Option<String>,
}

/// What might be written differently.
#[derive(Debug)]
pub(super) struct Suggested {
    pub(super) what: String,
    pub(super) label: String,
    pub(super) is_serious: bool,
    pub(super) paragraphs: Vec<String>,
    pub(super) text: Option<String>,
    pub(super) fix: Option<FixBlock>,
}

/// One plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) is_open: bool,
    pub(super) nodes: Vec<Node>,
    pub(super) besides: Vec<String>,
}

/// One node. Blocks are opened and closed by hand, since nodes come in a row.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) has_children: bool,
    /// Blocks that end behind this node.
    pub(super) closes: Vec<()>,
    pub(super) title: String,
    pub(super) share: String,
    /// Width of the bar in percent.
    pub(super) width: u32,
    pub(super) is_hot: bool,
    pub(super) own: String,
    pub(super) rows: String,
    pub(super) details: Vec<(String, String)>,
    pub(super) findings: Vec<String>,
}

pub(super) fn all(report: &Report) -> Vec<Statement> {
    report.statements.iter().map(one).collect()
}

fn one(one: &Analysed) -> Statement {
    let refused = one.refused.iter().cloned();
    let missing = one.missing.iter().map(|why| match &why.remedy {
        Some(remedy) => format!("{}; {remedy}", why.detail),
        None => why.detail.clone(),
    });
    let facts = [Some(statement::facts(one)), statement::calls(one)];
    Statement {
        name: visible::inline(&one.target),
        text: visible::block(&one.text),
        facts: facts.into_iter().flatten().filter(|fact| !fact.is_empty()).collect(),
        troubles: refused.chain(missing).map(|text| visible::inline(&text)).collect(),
        rewrites: one
            .rewrites
            .iter()
            .map(|rewrite| Rewrite {
                what: visible::inline(&format!("{} ({})", rewrite.what, rewrite.rule)),
                promise: visible::inline(&format!(
                    "{} {}",
                    rewrite.why,
                    statement::promise(rewrite)
                )),
                text: rewrite.text.as_deref().map(visible::block),
            })
            .collect(),
        suggestions: one.suggestions.iter().map(suggested).collect(),
        plans: one.plans.iter().enumerate().map(|(place, plan)| tree(plan, place == 0)).collect(),
    }
}

fn suggested(suggestion: &Suggestion) -> Suggested {
    let paragraphs =
        [suggestion.why.clone(), statement::instead(suggestion), statement::changes(suggestion)];
    Suggested {
        what: visible::inline(&suggestion.what),
        label: visible::inline(&statement::label(suggestion)),
        is_serious: suggestion.severity > Severity::Info,
        paragraphs: paragraphs.iter().map(|text| visible::inline(text)).collect(),
        text: suggestion.text.as_deref().map(visible::block),
        fix: suggestion.fix.as_ref().map(|fix| fix_block(statement::PLACE, fix)),
    }
}

fn tree(plan: &PlanTree, is_open: bool) -> Plan {
    let next = |at: usize| plan.steps.get(at + 1).map_or(0, |step| step.depth);
    Plan {
        title: statement::plan(plan),
        is_open,
        nodes: plan.steps.iter().enumerate().map(|(at, step)| node(plan, step, next(at))).collect(),
        besides: plan
            .besides
            .iter()
            .map(|(name, ms)| format!("{}: {}", visible::inline(name), humanize::duration_ms(*ms)))
            .collect(),
    }
}

fn node(plan: &PlanTree, step: &Step, next: usize) -> Node {
    let has_children = next > step.depth;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share between 0 and 1"
    )]
    let width = (step.ratio.clamp(0.0, 1.0) * 100.0).round() as u32;
    let aside = step.aside.as_ref().map(|aside| format!("{aside}: ")).unwrap_or_default();
    Node {
        has_children,
        closes: vec![(); if has_children { 0 } else { step.depth - next }],
        title: visible::inline(&format!("{aside}{}", step.title)),
        share: humanize::percent(step.ratio),
        width,
        is_hot: step.ratio >= 0.25,
        own: statement::amount(plan, step.own),
        rows: statement::rows(step),
        details: step
            .details
            .iter()
            .map(|(label, text)| (label.clone(), visible::inline(text)))
            .collect(),
        findings: step.findings.clone(),
    }
}
