//! What is wrong with a script of definitions before it runs: statements the server will refuse, locks that stop
//! programs, tables rewritten, choices that are regretted later. Judged by the text alone, for a version of the server.

mod alter;
mod column;
mod drops;
mod ignore;
mod index;
mod lock;
pub(crate) mod name;
mod rule;
mod types;
mod walk;
mod writes;

pub use self::{
    lock::{Lock, Taken},
    rule::{RULES, Rule, find},
};
use crate::{Position, Refused, Statement, TableName};

/// What to judge by.
#[derive(Debug, Clone)]
pub struct Options {
    /// The major version of the server.
    pub version: u32,
    /// A tool runs the script inside a transaction.
    pub in_transaction: bool,
    /// Tables known to be partitioned, besides those the script shows to be.
    pub partitioned: Vec<TableName>,
    /// Only these rules; empty for all that are not optional.
    pub only: Vec<&'static str>,
    /// Not these rules.
    pub except: Vec<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: 18,
            in_transaction: false,
            partitioned: Vec::new(),
            only: Vec::new(),
            except: Vec::new(),
        }
    }
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The rule.
    pub rule: &'static Rule,
    /// Where the statement, or the part of it, begins.
    pub place: Position,
    /// What will happen, as a sentence.
    pub says: String,
    /// The locks of the statement, where they are what the rule is about.
    pub locks: Vec<Taken>,
    /// What to do, as a sentence.
    pub advice: String,
    /// Statements to write instead, where they follow from this one.
    pub instead: Option<String>,
}

/// A statement that could not be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where the grammar stops understanding it, else where it begins.
    pub place: Position,
    /// Why.
    pub why: String,
}

/// What a script was found to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linted {
    /// In the order of the text.
    pub remarks: Vec<Remark>,
    /// Statements that were not understood.
    pub unread: Vec<Unread>,
    /// Number of statements.
    pub statements: usize,
}

/// Judges a script. What a comment `-- dbvitals: ignore rule-name` in front of, or in, a statement names is left out.
pub fn lint(text: &str, options: &Options) -> Linted {
    walk::script(text, options)
}

/// The locks one statement takes on relations that exist, the strongest of each, on that major version.
pub fn locks(text: &str, version: u32) -> Result<Vec<Taken>, Refused> {
    Ok(lock::of(Statement::parse(text)?.root(), version))
}

#[cfg(test)]
mod tests;
