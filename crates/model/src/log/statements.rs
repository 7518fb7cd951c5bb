//! Statements a log tells of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Statements with their durations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatementsLogged {
    /// Executions with a duration.
    pub calls: i64,
    pub total_ms: f64,
    /// Executions that were logged without a duration.
    pub untimed: i64,
    /// Time of parsing and of binding, where those were logged by themselves.
    pub parse_ms: f64,
    pub bind_ms: f64,
    pub latency: Latency,
    pub histogram: Vec<Bucket>,
    /// Different statements that were seen and kept.
    pub distinct: i64,
    /// The statements that took the most time, and those called most; most time first.
    pub leaders: Vec<LoggedStatement>,
    /// Statements that were left out of memory because of their number.
    pub dropped: Dropped,
    /// Shortest logged duration: a log that begins at 100 ms was written with a threshold.
    pub shortest_ms: Option<f64>,
    pub databases: Vec<NamedCount>,
    pub users: Vec<NamedCount>,
    pub applications: Vec<NamedCount>,
}

/// What was left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    pub statements: i64,
    pub calls: i64,
    pub total_ms: f64,
}

/// Durations of a number of executions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    pub min_ms: f64,
    pub mean_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// Durations below a limit and not below the one before it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
    pub below_ms: f64,
    pub count: i64,
}

/// A name and how often it was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedCount {
    pub name: String,
    pub count: i64,
}

/// One statement, over all its literals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoggedStatement {
    /// Sixteen hexadecimal digits, those of other tools; with `~` in front our own, where the grammar refuses the text.
    pub fingerprint: String,
    /// The lowercase word of its class.
    pub class: String,
    /// The text with `?` for literals, cut.
    pub text: String,
    pub calls: i64,
    pub total_ms: f64,
    pub latency: Latency,
    pub histogram: Vec<Bucket>,
    pub untimed: i64,
    pub parse_ms: f64,
    pub bind_ms: f64,
    /// Times a plan was logged.
    pub plans: i64,
    /// The duration comes with plans alone.
    pub timed_by_plans: bool,
    /// Times it was at work when an error struck.
    pub errors: i64,
    pub temp_files: i64,
    pub temp_bytes: i64,
    pub lock_waits: i64,
    pub lock_wait_ms: f64,
    pub first_at: Option<Timestamp>,
    pub last_at: Option<Timestamp>,
    pub databases: Vec<NamedCount>,
    pub users: Vec<NamedCount>,
    pub applications: Vec<NamedCount>,
    pub slowest: Option<Example>,
    /// The plan of the slowest execution that came with one.
    pub plan: Option<String>,
}

/// One execution.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Example {
    pub at: Option<Timestamp>,
    pub ms: f64,
    /// As it was logged, cut.
    pub text: String,
    /// Values of its parameters, where they were logged.
    pub parameters: Option<String>,
    pub database: String,
    pub user: String,
    pub application: String,
}

/// Statements that were repeated within a session where one would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repeats {
    /// Lines tell their session or process, so that sequences can be followed.
    pub leaders: Vec<Repeat>,
    /// Whether transactions could be told apart (`%v` in the prefix, or a structured format).
    pub knows_transactions: bool,
    /// Sequences that were left out of memory because of their number.
    pub dropped: i64,
}

/// A statement that follows another many times over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repeat {
    /// The statement that is repeated.
    pub child: String,
    pub child_text: String,
    /// The statement before it; empty when nothing was.
    pub parent: String,
    pub parent_text: String,
    /// Times the pair was met.
    pub runs: i64,
    /// Runs within one transaction.
    pub runs_in_transaction: i64,
    /// Executions of the child in all runs.
    pub calls: i64,
    pub longest_run: i64,
    pub total_ms: f64,
    /// From the first execution of a run to the last, summed.
    pub elapsed_ms: f64,
    /// Executions that asked for the same values again.
    pub redundant: i64,
    /// All executions of the child, and of the parent, in the whole log.
    pub child_calls: i64,
    pub parent_calls: i64,
    pub databases: Vec<NamedCount>,
}
