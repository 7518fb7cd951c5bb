//! The report of an audit: the JSON contract others build on. Field names are final.

mod analysed;

pub use self::analysed::{Analysed, PlanTree, Step};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Finding, Measure, Reason, TargetKind, Unit, cluster::Cluster, snapshot::CollectorCost,
};

/// The version of the report format this code writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything an audit has to say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// When the snapshot behind it was taken.
    pub generated_at: Timestamp,
    /// Who wrote it.
    pub tool: Tool,
    /// What was examined.
    pub targets: Vec<Target>,
    /// PostgreSQL primaries with their standbys, where there are any.
    #[serde(default)]
    pub clusters: Vec<Cluster>,
    /// The health score.
    pub score: Score,
    /// Whether this is fit to carry load.
    pub readiness: Readiness,
    /// Wanted and measured values.
    pub metrics: Vec<Metric>,
    /// Problems, worst first.
    pub findings: Vec<Finding>,
    /// Findings an ignore rule set aside.
    #[serde(default)]
    pub ignored: Vec<Ignored>,
    /// What was examined and what was not.
    pub coverage: Coverage,
    /// What each collector cost the servers.
    pub cost: Vec<CollectorCost>,
    /// Leading figures for tables and charts; not judged.
    #[serde(default)]
    pub overview: Vec<Overview>,
    /// Statements that were analysed, with their plans.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<Analysed>,
    /// What changed since an earlier report, if one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Comparison>,
}

/// The program that wrote a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `dbvitals`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One examined target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// The server's version; `None` where it could not be reached.
    pub version: Option<String>,
    /// `primary`, `standby`, `master`, `replica`; `None` where it could not be reached.
    pub role: Option<String>,
    /// Host, port and database, without user or secret.
    #[serde(default)]
    pub endpoint: String,
    /// Why it was not, or only partly, examined.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Servers learnt from this one and not examined.
    #[serde(default)]
    pub offered: Vec<String>,
}

/// Health between 0 (worst) and 100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Over all components; at most what the worst critical finding allows.
    pub overall: f64,
    /// Letter of `overall`: `A+` … `F`, or `?` where nothing could be examined.
    pub grade: String,
    /// Share of the applicable judgement that could be made, 0–1. Unknown lowers this, not the score.
    pub confidence: f64,
    /// Why `overall` is below the mean of its components, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped_by: Option<String>,
    /// By component, in a fixed order; components of which nothing could be examined are left out.
    pub components: Vec<ComponentScore>,
}

/// The score of one component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentScore {
    /// `connections`, `queries`, `indexes`, `cache`, `transactions`, `maintenance`, `replication`,
    /// `configuration`, `security`, `host`, `redis`.
    pub id: String,
    /// 100 less all deductions, not below 0.
    pub score: f64,
    /// Letter of `score`.
    pub grade: String,
    /// Share of this component's applicable checks that ran, 0–1.
    #[serde(default)]
    pub confidence: f64,
    /// Every lost point with the finding that cost it. Together they are 100 less the score.
    pub deductions: Vec<Deduction>,
}

/// Points lost to one finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deduction {
    /// The finding's key.
    pub finding: String,
    /// Points lost.
    pub points: f64,
}

/// Whether a system is fit to carry load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, worst first.
    pub reasons: Vec<String>,
}

/// A readiness verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing critical, few warnings, most was examined.
    Ready,
    /// Usable; warnings should be mended first.
    ReadyWithReservations,
    /// Something critical is open.
    NotReady,
    /// Too little could be examined to say.
    Unknown,
}

/// One row of the target / achieved / status table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// `pg-cache-hit-ratio`, `redis-hit-ratio` …
    pub id: String,
    /// The target it was measured on.
    pub target: String,
    /// What the numbers count.
    pub unit: Unit,
    /// The wanted value.
    pub wanted: Wanted,
    /// The measured value; `None` when it could not be measured.
    pub measured: Option<f64>,
    /// The verdict.
    pub status: MetricStatus,
    /// A short name for people.
    #[serde(default)]
    pub title: String,
}

/// A wanted value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// How a measured value compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricStatus {
    /// As wanted.
    Achieved,
    /// Not as wanted.
    Missed,
    /// Not measured.
    Unknown,
}

/// A finding that an ignore rule set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ignored {
    /// The finding.
    pub finding: Finding,
    /// The rule's reason.
    pub reason: String,
    /// When the rule ends, if it does.
    pub until: Option<String>,
}

/// What was examined and what was not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Checks that ran, by target.
    pub checked: Vec<Checked>,
    /// Checks that could not run, with what would open them.
    pub skipped: Vec<Skipped>,
    /// Sections of the snapshot and their state.
    pub sections: Vec<SectionState>,
}

/// A check that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// The check's id.
    pub check: String,
    /// The target.
    pub target: String,
    /// Number of findings.
    pub findings: usize,
}

/// A check that did not run, wholly or for a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The check's id.
    pub check: String,
    /// The target.
    pub target: String,
    /// The part that was not examined (a database), `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Why.
    pub reason: String,
    /// The class of the reason.
    pub class: Reason,
    /// The exact grant, setting or command that would open it.
    pub remedy: Option<String>,
}

/// The state of one section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SectionState {
    /// The target.
    pub target: String,
    /// The section, with its database: `relations@app`.
    pub section: String,
    /// Whether it was collected.
    pub collected: bool,
    /// Why not, or what is missing from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A small table of leading figures (top statements, largest tables), for reading and for charts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// `top-statements`, `largest-tables`, `databases`, `redis-memory` …
    pub id: String,
    /// The target.
    pub target: String,
    /// A heading for people.
    pub title: String,
    /// What a reader must know of it: how it was seen and what that cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Columns with their units.
    pub columns: Vec<OverviewColumn>,
    /// Rows, most important first; as many cells as columns.
    pub rows: Vec<Vec<Measure>>,
}

/// One column of an overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverviewColumn {
    /// Its heading.
    pub label: String,
    /// What its numbers count.
    pub unit: Unit,
}

/// What changed since an earlier report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// When the earlier report's snapshot was taken.
    pub baseline_at: Option<Timestamp>,
    /// Overall score then.
    pub overall_before: f64,
    /// Keys of findings that were not there before.
    pub new: Vec<String>,
    /// Findings that are gone and whose check ran now.
    pub fixed: Vec<Finding>,
    /// Keys of findings that are more severe, or whose leading evidence grew by a tenth or more.
    pub worse: Vec<String>,
    /// Keys of findings that are less severe, or whose leading evidence shrank by a tenth or more.
    pub better: Vec<String>,
    /// Findings of the baseline whose check could not run now: neither fixed nor still there.
    #[serde(default)]
    pub unknown: Vec<String>,
}
