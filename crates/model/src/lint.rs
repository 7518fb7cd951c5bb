//! What the linter of scripts found: for renderers and for programs.

use serde::Serialize;

use crate::Severity;

/// The version of the JSON a lint report is written as.
pub const LINT_VERSION: u32 = 1;

/// Everything found in the scripts of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LintReport {
    /// [`LINT_VERSION`] of the writer.
    pub schema_version: u32,
    /// The major version of the server the scripts were judged for.
    pub postgres_version: u32,
    /// The scripts, in the order they were named.
    pub files: Vec<LintedFile>,
}

/// One script.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LintedFile {
    /// Its path; `-` for standard input.
    pub name: String,
    /// Number of statements.
    pub statements: usize,
    /// In the order of the text.
    pub remarks: Vec<LintRemark>,
    /// Statements that were not understood.
    pub unread: Vec<LintUnread>,
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LintRemark {
    /// The name of the rule.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What will happen, as a sentence.
    pub says: String,
    /// The locks it takes, where the rule is about them.
    pub locks: Vec<LintLock>,
    /// What to do, as a sentence.
    pub advice: String,
    /// Statements to write instead, where they follow from this one.
    pub instead: Option<String>,
}

/// A lock on a relation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LintLock {
    /// The relation as it is written.
    pub relation: String,
    /// The lock in the server's words: `ACCESS EXCLUSIVE`.
    pub lock: String,
    /// What waits while it is held.
    pub blocks: String,
}

/// A statement that was not understood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LintUnread {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// Why.
    pub why: String,
}

impl LintReport {
    /// All remarks.
    pub fn remarks(&self) -> impl Iterator<Item = &LintRemark> {
        self.files.iter().flat_map(|file| &file.remarks)
    }
}
