//! What every renderer says of an analysed statement.

use dbvitals_model::{
    report::{Analysed, PlanTree, Report, Step},
    snapshot::TargetKind,
    statement::{PlanKind, RewriteAdvice, Suggestion, Verification},
};

use crate::{humanize, visible};

/// Whether the report is about servers as a whole: only they have a score, components and readiness.
pub(crate) fn has_health(report: &Report) -> bool {
    // A look into policies alone says nothing of a server's health.
    let is_look = report.overview.iter().any(|table| table.id.starts_with("rls-"));
    if is_look {
        return false;
    }
    report.targets.is_empty()
        || report
            .targets
            .iter()
            .any(|target| !matches!(target.kind, TargetKind::Statement | TargetKind::Log))
}

/// What it is: class, fingerprint, role.
pub(crate) fn facts(statement: &Analysed) -> String {
    let mut facts = Vec::new();
    facts.extend(statement.class.clone());
    facts.extend(statement.fingerprint.as_ref().map(|print| format!("fingerprint {print}")));
    facts.extend(statement.role.as_ref().map(|role| format!("as role {}", visible::inline(role))));
    facts.join(" · ")
}

/// What the server counted of it.
pub(crate) fn calls(statement: &Analysed) -> Option<String> {
    let calls = statement.calls.as_ref()?;
    let mut text = format!(
        "{} calls, {} each, {} in all",
        humanize::number(calls.calls as f64),
        humanize::duration_ms(calls.mean_ms),
        humanize::duration_ms(calls.total_ms)
    );
    if let Some(share) = calls.share_of_time {
        append!(text, " ({} of the time of all statements)", humanize::percent(share));
    }
    Some(text)
}

/// The plan in a line: how it came about, what it takes, for which values.
pub(crate) fn plan(tree: &PlanTree) -> String {
    let kind = match tree.kind {
        PlanKind::Given => "plan as given",
        PlanKind::Generic if tree.is_timed => "plan",
        PlanKind::Generic => "plan for no values in particular",
        PlanKind::Custom => "plan for values",
        PlanKind::Measured => "executed",
    };
    let mut parts = vec![kind.to_owned(), format!("{} in all", amount(tree, tree.total))];
    // A figure of nothing would only be noise.
    let avoidable = tree.avoidable.filter(|saved| *saved > 0.0 && tree.total > 0.0);
    parts.extend(avoidable.map(|saved| {
        let share = humanize::percent((saved / tree.total).min(1.0));
        format!("at most {} of it avoidable ({share})", amount(tree, saved))
    }));
    parts.extend(tree.planning_ms.map(|ms| format!("planning {}", humanize::duration_ms(ms))));
    if !tree.parameters.is_empty() {
        let value = |(place, value): (usize, &Option<String>)| {
            let text = value.as_deref().map_or_else(
                || "NULL".to_owned(),
                |value| format!("'{}'", visible::clip(&visible::inline(value), 40)),
            );
            format!("${} = {text}", place + 1)
        };
        let values: Vec<String> = tree.parameters.iter().enumerate().map(value).collect();
        parts.push(values.join(", "));
    }
    parts.join(" · ")
}

/// What a rewrite promises, and what the planner makes of it.
pub(crate) fn promise(rewrite: &RewriteAdvice) -> String {
    let kind = if rewrite.is_equivalent { "Equivalent" } else { "A suggestion" };
    let mut text = format!("{kind}: {}.", rewrite.because.trim_end_matches('.'));
    if !rewrite.needs.is_empty() {
        append!(text, " Not checked: {}.", rewrite.needs.join("; "));
    }
    if let Some(verification) = &rewrite.verification {
        append!(text, " {}", verified(verification));
    }
    if let (Some(before), Some(after)) = (rewrite.cost_before, rewrite.cost_after) {
        let cost = |value: f64| humanize::number(value.round());
        let (before, after) = (cost(before), cost(after));
        if !rewrite.is_idle() {
            append!(text, " The planner's cost goes from {before} to {after}.");
        } else if before == after {
            append!(text, " The planner sees no gain: its cost stays at {before}.");
        } else {
            append!(text, " The planner sees no gain: its cost goes from {before} to {after}.");
        }
    }
    text
}

/// What running both showed.
fn verified(seen: &Verification) -> String {
    if let Some(example) = &seen.counterexample {
        return format!("Withdrawn, for it is not equivalent: {}.", example.trim_end_matches('.'));
    }
    if let Some(trouble) = &seen.trouble {
        return format!("Not verified: {}.", trouble.trim_end_matches('.'));
    }
    format!(
        "Verified: both yielded the same in {} comparisons on generated data, {} of them with rows ({}, seed {}).",
        seen.comparisons, seen.with_rows, seen.server, seen.seed
    )
}

/// Where statements that help a statement are to be run.
pub(crate) const PLACE: &str = "the database of its tables";

/// What a suggestion is, and where: its rule, how bad, the place in the statement.
pub(crate) fn label(suggestion: &Suggestion) -> String {
    format!(
        "suggestion: {}, {}, line {}, character {}",
        suggestion.rule, suggestion.severity, suggestion.line, suggestion.column
    )
}

/// What to write instead.
pub(crate) fn instead(suggestion: &Suggestion) -> String {
    let mut text = format!("Instead: {}", suggestion.instead);
    if !suggestion.needs.is_empty() {
        append!(text, " Not checked: {}.", suggestion.needs.join("; "));
    }
    text
}

/// What that does to the result.
pub(crate) fn changes(suggestion: &Suggestion) -> String {
    format!("What changes: {}", suggestion.changes)
}

/// Milliseconds, or cost.
pub(crate) fn amount(tree: &PlanTree, value: f64) -> String {
    if tree.is_timed {
        humanize::duration_ms(value)
    } else {
        format!("cost {}", humanize::number(value.round()))
    }
}

/// Rows of a node: what came, and how far that is from what was expected.
pub(crate) fn rows(step: &Step) -> String {
    let count = |rows: f64| humanize::number(rows.round());
    match (step.rows, step.loops, step.expected_rows) {
        (_, Some(loops), _) if loops <= 0.0 => "never ran".to_owned(),
        (Some(rows), loops, expected) => {
            let mut text = count(rows);
            if let Some(loops) = loops.filter(|loops| *loops > 1.0) {
                append!(text, " × {}", count(loops));
            }
            let expected = expected.filter(|expected| !(step.stopped_early && rows < *expected));
            if let Some(off) = expected.and_then(|expected| off(expected, rows)) {
                append!(text, " ({off})");
            }
            text
        }
        (None, _, Some(expected)) => format!("≈ {}", count(expected)),
        (None, _, None) => String::new(),
    }
}

/// By how much an estimate is off, where that is worth telling: twice, and more than a handful.
fn off(expected: f64, rows: f64) -> Option<String> {
    let (low, high) = (expected.max(1.0).min(rows.max(1.0)), expected.max(rows).max(1.0));
    let factor = high / low;
    (factor >= 2.0 && high - low >= 10.0).then(|| {
        let word = if rows > expected { "more" } else { "fewer" };
        format!("{}× {word} than expected", humanize::number(factor.round()))
    })
}

/// A text with its middle left out where it is longer than so many cells.
pub(crate) fn middle_out(text: &str, cells: usize) -> String {
    let text = visible::inline(text);
    let width = text.chars().count();
    if width <= cells.max(20) {
        return text;
    }
    let half = cells.max(20) / 2 - 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(width - half).collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_without_gain_says_so() {
        let promise = |before: f64, after: f64| {
            promise(&RewriteAdvice {
                is_equivalent: true,
                because: "it is so".to_owned(),
                cost_before: Some(before),
                cost_after: Some(after),
                ..RewriteAdvice::default()
            })
        };
        assert!(promise(900.0, 12.0).ends_with(" The planner's cost goes from 900 to 12."));
        assert!(
            promise(900.0, 899.8).ends_with("The planner sees no gain: its cost stays at 900.")
        );
        assert!(promise(900.0, 950.0).ends_with("sees no gain: its cost goes from 900 to 950."),);
    }

    fn step(rows: Option<f64>, loops: Option<f64>, expected: f64) -> Step {
        Step {
            path: "1".into(),
            depth: 0,
            title: "Seq Scan".into(),
            aside: None,
            own: 1.0,
            ratio: 1.0,
            expected_rows: Some(expected),
            rows,
            loops,
            stopped_early: false,
            details: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn rows_tell_how_far_the_estimate_was_off() {
        assert_eq!(rows(&step(None, None, 1200.0)), "≈ 1,200");
        assert_eq!(rows(&step(Some(1000.0), Some(1.0), 10.0)), "1,000 (100× more than expected)");
        assert_eq!(rows(&step(Some(2.0), Some(30.0), 500.0)), "2 × 30 (250× fewer than expected)");
        assert_eq!(rows(&step(Some(3.0), Some(1.0), 1.0)), "3", "a handful is no mistake");
        assert_eq!(rows(&step(Some(0.0), Some(0.0), 1.0)), "never ran");
        let cut = Step { stopped_early: true, ..step(Some(10.0), Some(1.0), 9000.0) };
        assert_eq!(rows(&cut), "10");
    }

    #[test]
    fn long_texts_keep_both_ends() {
        let text = format!("(a = {})", "x".repeat(100));
        let cut = middle_out(&text, 30);
        assert!(cut.starts_with("(a = ") && cut.ends_with("xx)") && cut.contains(" … "), "{cut}");
        assert_eq!(middle_out("short", 30), "short");
    }
}
