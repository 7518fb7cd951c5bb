//! A statement as a report shows it: what it is, what the server counted of it, how it is planned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Unavailable,
    statement::{Calls, PlanKind, RewriteAdvice, Suggestion},
};

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Analysed {
    /// The target its findings name.
    pub target: String,
    /// Its text.
    pub text: String,
    /// The lowercase word of its class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Sixteen hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Why PostgreSQL's grammar refuses it, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The role it was planned as, where that is not the one that connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What the server counted of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<Calls>,
    /// Its plans, the most telling first.
    pub plans: Vec<PlanTree>,
    /// Why plans are missing.
    pub missing: Vec<Unavailable>,
    /// Other ways to write it, those that gain most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewrites: Vec<RewriteAdvice>,
    /// What might be written differently, though the result may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
}

/// One plan, with where its time or its cost goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanTree {
    /// How it came about.
    pub kind: PlanKind,
    /// Values of the parameters; `null` is NULL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Option<String>>,
    /// Whether [`Step::own`] and [`Self::total`] are milliseconds; else they are the planner's cost.
    pub is_timed: bool,
    /// Milliseconds or cost of all of it.
    pub total: f64,
    /// The most that mending what was found could save of it, each part counted once; absent where nothing was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoidable: Option<f64>,
    /// Milliseconds of planning, where they were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planning_ms: Option<f64>,
    /// Its nodes, in the order `EXPLAIN` prints them.
    pub steps: Vec<Step>,
    /// Triggers and just-in-time compilation: name and milliseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<(String, f64)>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Its place: `1.2.1`. Findings name it.
    pub path: String,
    /// Steps to the root.
    pub depth: usize,
    /// `Seq Scan on app.orders o`.
    pub title: String,
    /// What it is computed for, where that is not its parent's input: `InitPlan 1`, `CTE recent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
    /// Milliseconds or cost of the node itself, over all loops.
    pub own: f64,
    /// That as a share of the total, between 0 and 1.
    pub ratio: f64,
    /// Rows expected of each loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_rows: Option<f64>,
    /// Rows each loop gave, on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<f64>,
    /// How often it ran; 0 where it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loops: Option<f64>,
    /// A `Limit` above it stopped it before its end: fewer rows than expected are no mistake.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped_early: bool,
    /// Conditions and keys: the server's own label and text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<(String, String)>,
    /// Ids of the checks that found something here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}
