//! Patterns and ignore rules of the configuration, validated.

use dbvitals_checks::settings::{IgnoreRule, Pattern};

use crate::{config::file::Ignore, problem::Problem};

/// Reads a pattern; `place` says where it was written.
pub(crate) fn pattern(text: &str, place: &str) -> Result<Pattern, Problem> {
    Pattern::new(text).map_err(|why| {
        Problem::usage(format!("{place}: {text:?} is not a pattern: {why}"))
            .hint("* stands for any text, ? for one character, [ab] for one of these; write [[] for a bracket")
    })
}

/// Reads a list of patterns.
pub(crate) fn patterns(texts: &[String], place: &str) -> Result<Vec<Pattern>, Problem> {
    texts.iter().map(|text| pattern(text, place)).collect()
}

/// Reads the ignore rules. A rule without a reason is refused: nobody would dare to remove it later.
pub(crate) fn rules(typed: &[Ignore]) -> Result<Vec<IgnoreRule>, Problem> {
    typed.iter().map(rule).collect()
}

fn rule(typed: &Ignore) -> Result<IgnoreRule, Problem> {
    if typed.reason.trim().is_empty() {
        return Err(Problem::usage(format!("ignore rule for {} has no reason", typed.check))
            .hint("say why, so that somebody can remove it one day"));
    }
    let optional =
        |text: &Option<String>| text.as_ref().map(|text| pattern(text, "ignore")).transpose();
    Ok(IgnoreRule {
        check: pattern(&typed.check, "ignore.check")?,
        subject: optional(&typed.subject)?,
        target: optional(&typed.target)?,
        reason: typed.reason.clone(),
        until: typed.until,
    })
}
