//! What a check says about itself: input of `explain`, of the list of checks and of SARIF rules.

use dbvitals_model::{FixKind, Severity, Unit};
use serde::Serialize;

/// The documentation of one check, independent of the crate that holds it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckDoc {
    /// `pg-unused-index`.
    pub id: String,
    /// One line: `Index nobody uses`.
    pub title: String,
    /// The topic it belongs to: `indexes`, `locks`.
    pub topic: String,
    /// `postgres`, `redis` or `host`.
    pub engine: String,
    /// The severity its findings ordinarily have.
    pub severity: Severity,
    /// The component whose score it lowers.
    pub component: String,
    /// Server versions it applies to: `13 and later`; empty for all.
    pub versions: String,
    /// What it reads: sections, extensions, a window.
    pub needs: Vec<String>,
    /// How far its fix may be trusted; `None` where it has none.
    pub fix: Option<FixKind>,
    /// Its thresholds.
    pub thresholds: Vec<ThresholdDoc>,
    /// Markdown with the headings What it detects, Why it matters, How to fix, When to ignore,
    /// References.
    pub explain: String,
}

/// One threshold of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThresholdDoc {
    /// The key in the configuration.
    pub key: String,
    /// What it counts.
    pub unit: Unit,
    /// The built-in value.
    pub default: f64,
    /// The value under the strict profile, where that differs.
    pub strict: Option<f64>,
    /// The smallest value allowed.
    pub min: f64,
    /// The largest value allowed.
    pub max: f64,
    /// Why this number.
    pub why: String,
}
