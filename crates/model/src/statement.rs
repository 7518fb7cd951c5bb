//! One statement under analysis: its text, what it is, how it is planned, what stands around it.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use std::ops::Range;

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
    /// Other ways to write it, the proved ones first.
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
