//! One statement under analysis: its text, what it is, how it is planned, what stands around it.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use std::{cmp::Ordering, ops::Range};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Fix, Section, Severity,
    pg::{
        DatabaseSnapshot,
        instance::{Server, Settings},
    },
    plan::Plan,
};

/// Everything seen of one statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatementSnapshot {
    /// The statement as it was given, without the ones before and after it.
    pub text: String,
    /// Where it stands in what was given, in bytes.
    pub at: Option<Range<usize>>,
    /// Sixteen hexadecimal digits; `None` where the grammar refuses the text.
    pub fingerprint: Option<String>,
    /// The lowercase word of its class.
    pub class: Option<String>,
    /// Why it has no class, where it has none.
    pub refused: Option<String>,
    /// Who planned it; `None` for a plan that came from a file.
    pub server: Option<Server>,
    /// The role it was planned as, where that is not the one that connected.
    pub role: Option<String>,
    /// Its plans, the most telling first.
    pub plans: Section<Vec<StatementPlan>>,
    /// What the server counted of it.
    pub calls: Section<Calls>,
    /// Settings that were in force where it was planned.
    pub settings: Section<Settings>,
    /// The relations it names, with their columns, indexes, constraints and statistics.
    pub facts: Section<DatabaseSnapshot>,
    /// Other ways to write it, those that gain most first.
    pub rewrites: Vec<RewriteAdvice>,
    /// What might be written differently, though the result may change.
    pub suggestions: Vec<Suggestion>,
}

/// A plan and how it came about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatementPlan {
    pub kind: PlanKind,
    /// Values the parameters had, as text; `None` is NULL. Empty for a generic plan.
    pub parameters: Vec<Option<String>>,
    pub plan: Plan,
}

/// How a plan came about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// Read from a file or a log.
    #[default]
    Given,
    /// Planned without knowing the parameters.
    Generic,
    /// Planned for the values in the text, or for representative ones.
    Custom,
    /// Executed, with rows and times.
    Measured,
}

/// What `pg_stat_statements` counted of a statement, over its entries of all users.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Calls {
    pub calls: i64,
    pub total_ms: f64,
    pub mean_ms: f64,
    pub max_ms: Option<f64>,
    pub rows: i64,
    /// Share of the time of all statements of the database.
    pub share_of_time: Option<f64>,
}

impl PlanKind {
    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Generic => "generic",
            Self::Custom => "custom",
            Self::Measured => "measured",
        }
    }
}

/// Another way to write a statement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RewriteAdvice {
    /// The name of the rule.
    pub rule: String,
    /// What is written differently, as a sentence.
    pub what: String,
    /// Why that is better, as a sentence.
    pub why: String,
    /// The whole statement; `None` where only a person can write it.
    pub text: Option<String>,
    /// It is proved to yield the same rows.
    pub is_equivalent: bool,
    /// The proof, or what may differ, as a sentence.
    pub because: String,
    /// What could not be checked.
    pub needs: Vec<String>,
    /// The planner's total cost of the statement as it is.
    pub cost_before: Option<f64>,
    /// The planner's total cost of the rewritten one.
    pub cost_after: Option<f64>,
    /// What running both on generated data showed, where that was asked for.
    pub verification: Option<Verification>,
}

/// A share of the planner's cost below which a rewrite gains nothing: two plans of one shape differ by as much through
/// the rounding of their estimates.
const LEAST_SAVING: f64 = 0.03;

impl RewriteAdvice {
    /// The share of the planner's cost it saves, negative where it costs more; `None` where a cost is not known.
    pub fn saving(&self) -> Option<f64> {
        let (before, after) = (self.cost_before?, self.cost_after?);
        Some(if before > 0.0 { (before - after) / before } else { 0.0 })
    }

    /// The planner was asked, and sees no gain in it.
    pub fn is_idle(&self) -> bool {
        self.saving().is_some_and(|saving| saving < LEAST_SAVING)
    }

    /// It was run, and yielded something else.
    pub fn is_refuted(&self) -> bool {
        self.verification.as_ref().is_some_and(|seen| seen.counterexample.is_some())
    }

    /// In which order rewrites are told: what was refuted last, what gains nothing before it; of the others the proved
    /// ones first, and among those the ones that save most.
    pub fn before(&self, other: &Self) -> Ordering {
        let place = |it: &Self| (it.is_refuted(), it.is_idle(), !it.is_equivalent);
        let saving = |it: &Self| it.saving().unwrap_or_default();
        place(self).cmp(&place(other)).then_with(|| saving(other).total_cmp(&saving(self)))
    }
}

/// What comparing the results of a statement and its rewrite on generated data showed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Verification {
    /// The server both ran on, as `PostgreSQL 18.1`.
    pub server: String,
    /// What the data was generated from; the same seed gives the same data.
    pub seed: u64,
    /// Contents of the tables on which both yielded the same.
    pub comparisons: u32,
    /// Those of them on which there were rows to compare.
    pub with_rows: u32,
    /// Data on which the results differ, and how, as a sentence: the two are not equivalent.
    pub counterexample: Option<String>,
    /// Why nothing, or not everything, could be compared.
    pub trouble: Option<String>,
}

/// What might be written differently in a statement, though the result may change or only a person can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suggestion {
    /// The name of the rule.
    pub rule: String,
    /// How bad it is to leave it so.
    pub severity: Severity,
    /// The line of the statement it is about, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is meant, as a sentence.
    pub what: String,
    /// What happens in this statement, with the numbers known.
    pub why: String,
    /// What to write, as sentences.
    pub instead: String,
    /// What changes in the result, as sentences.
    pub changes: String,
    /// The whole statement written so; `None` where only a person can write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Statements that help it as it is, an index most of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// What could not be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewrite(rule: &str, is_equivalent: bool, costs: Option<(f64, f64)>) -> RewriteAdvice {
        RewriteAdvice {
            rule: rule.to_owned(),
            is_equivalent,
            cost_before: costs.map(|(before, _)| before),
            cost_after: costs.map(|(_, after)| after),
            ..RewriteAdvice::default()
        }
    }

    #[test]
    fn what_gains_most_is_told_first_and_what_gains_nothing_last() {
        let refuted = RewriteAdvice {
            verification: Some(Verification {
                counterexample: Some("no rows".to_owned()),
                ..Verification::default()
            }),
            ..rewrite("refuted", false, Some((100.0, 1.0)))
        };
        let mut all = [
            refuted,
            rewrite("dearer", true, Some((100.0, 200.0))),
            rewrite("the same", true, Some((100.0, 98.0))),
            rewrite("suggested", false, Some((100.0, 1.0))),
            rewrite("not planned", true, None),
            rewrite("some", true, Some((100.0, 96.0))),
            rewrite("most", true, Some((100.0, 10.0))),
        ];
        all.sort_by(RewriteAdvice::before);
        let rules: Vec<&str> = all.iter().map(|it| it.rule.as_str()).collect();
        let wanted = ["most", "some", "not planned", "suggested", "the same", "dearer", "refuted"];
        assert_eq!(rules, wanted);
        let idle: Vec<&str> =
            all.iter().filter(|it| it.is_idle()).map(|it| it.rule.as_str()).collect();
        assert_eq!(idle, ["the same", "dearer"]);
        assert!(rewrite("free", true, Some((0.0, 0.0))).is_idle());
    }
}
