//! A finding: what is wrong with which object, how we know, and what to do about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Severity, Unit};

/// One problem with one object of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable identity: check id, target and subject. Used by ignore rules, baselines and history.
    pub key: String,
    /// The id of the check that found it.
    pub check: String,
    /// How bad it is.
    pub severity: Severity,
    /// The name of the target it was found on.
    pub target: String,
    /// The object it is about.
    pub subject: Subject,
    /// One sentence that names the object and the problem, with the numbers that matter.
    pub message: String,
    /// The measurements behind the message.
    pub evidence: Vec<Evidence>,
    /// What to do, in short imperative sentences.
    pub recommendation: String,
    /// Statements that mend it, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// The expected effect of mending it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
}

/// The object a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// The class of object: `server`, `database`, `table`, `index`, `statement`, `session`, `role`,
    /// `setting`, `sequence`, `slot`, `replica`, `function`, `column`, `constraint`, `extension`,
    /// `client`, `command`, `user`, `keys`, `host`, `filesystem` …
    pub kind: String,
    /// Its name as a person would write it, schema included.
    pub name: String,
    /// The database it lives in, where that is not the name itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The table it belongs to (for an index, a column, a constraint).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What was measured.
    pub label: String,
    /// The measured value.
    pub value: Measure,
    /// What the value counts.
    pub unit: Unit,
    /// The threshold it was held against, in the same unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Measure>,
    /// Where the value comes from: a view, a file, a window.
    pub source: String,
}

/// A number or a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Measure {
    /// A number in the unit beside it.
    Number(f64),
    /// A text (a setting's value, a state).
    Text(String),
}

/// How far a fix may be trusted without a person reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixKind {
    /// Can be run as it is: takes no blocking lock and can be undone.
    Safe,
    /// Correct, but a person should weigh it: it locks, restarts or changes behaviour.
    Review,
    /// A template: a person must fill in or choose something first.
    Manual,
}

/// Statements that mend a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// The statements, in order, each complete: SQL ends in `;`, Redis commands and shell lines do not.
    pub statements: Vec<String>,
    /// The strongest lock they take, in the server's own words (`ShareUpdateExclusiveLock`), or `none`.
    pub lock: String,
    /// What that lock blocks, in words (`writes to app.orders`), or `nothing`.
    pub blocks: String,
    /// Whether `undo` restores what was there before.
    pub reversible: bool,
    /// The statements that undo it.
    pub undo: Vec<String>,
    /// How far it may be trusted without a person reading it.
    pub kind: FixKind,
}

impl Finding {
    /// The stable identity of a finding: `check@target/kind:database.name`.
    pub fn key_of(check: &str, target: &str, subject: &Subject) -> String {
        match &subject.database {
            Some(database) => {
                format!("{check}@{target}/{}:{database}.{}", subject.kind, subject.name)
            }
            None => format!("{check}@{target}/{}:{}", subject.kind, subject.name),
        }
    }
}

impl Finding {
    /// The same finding with one more measurement.
    #[must_use]
    pub fn with(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    /// The same finding with statements that mend it.
    #[must_use]
    pub fn fixed_by(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// The same finding with the expected effect of mending it.
    #[must_use]
    pub fn promising(mut self, impact: impl Into<String>) -> Self {
        self.impact = Some(impact.into());
        self
    }
}

impl Evidence {
    /// A measurement without a threshold.
    pub fn new(
        label: impl Into<String>,
        value: impl Into<Measure>,
        unit: Unit,
        source: impl Into<String>,
    ) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            unit,
            threshold: None,
            source: source.into(),
        }
    }

    /// The same measurement, held against a threshold in the same unit.
    #[must_use]
    pub fn against(mut self, threshold: impl Into<Measure>) -> Self {
        self.threshold = Some(threshold.into());
        self
    }
}

impl Fix {
    /// Statements that take no lock worth naming until [`Fix::locking`] says otherwise.
    pub fn new(kind: FixKind, statements: impl IntoIterator<Item = String>) -> Self {
        Self {
            statements: statements.into_iter().collect(),
            lock: "none".to_owned(),
            blocks: "nothing".to_owned(),
            reversible: false,
            undo: Vec::new(),
            kind,
        }
    }

    /// Names the strongest lock and what it blocks.
    #[must_use]
    pub fn locking(mut self, lock: &str, blocks: impl Into<String>) -> Self {
        lock.clone_into(&mut self.lock);
        self.blocks = blocks.into();
        self
    }

    /// Statements that restore what was there before.
    #[must_use]
    pub fn undone_by(mut self, undo: impl IntoIterator<Item = String>) -> Self {
        self.undo = undo.into_iter().collect();
        self.reversible = true;
        self
    }
}

impl Subject {
    /// A subject outside any database.
    pub fn new(kind: &str, name: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), name: name.into(), database: None, table: None }
    }

    /// A subject inside a database.
    pub fn within(kind: &str, database: &str, name: impl Into<String>) -> Self {
        Self { database: Some(database.to_owned()), ..Self::new(kind, name) }
    }

    /// The same subject, as part of a table.
    #[must_use]
    pub fn of_table(mut self, table: impl Into<String>) -> Self {
        self.table = Some(table.into());
        self
    }
}

impl From<f64> for Measure {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<i64> for Measure {
    fn from(value: i64) -> Self {
        Self::Number(value as f64)
    }
}

impl From<&str> for Measure {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Measure {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
