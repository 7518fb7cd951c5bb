//! Reads plans as PostgreSQL prints them, in any of its formats, with whatever stands around them: frames of `psql`,
//! prefixes of a log, prompts, several plans in one text.
//!
//! All formats end in the same value: a plan read from text equals the one read from JSON, save for what the format
//! leaves out. No input makes a reader panic, recurse without bound or take more than linear time in any way that
//! matters; what is nested deeper than [`MAX_DEPTH`] is refused.

mod frame;
mod header;
mod json;
mod node;
mod property;
mod text;
mod tree;
mod whole;
mod xml;
mod yaml;

use dbvitals_model::plan::Plan;

/// Structures (two for each node) that may lie within one another.
pub const MAX_DEPTH: usize = 2_000;

/// How often a text may be read again from a later place, when what looked like the start of a plan was none.
const WORK: usize = 16;

/// Why a text could not be read as a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing in it looks like a plan.
    #[error(
        "no plan found: expected the output of EXPLAIN in one of its formats (text, JSON, YAML, XML), or a plan \
         logged by auto_explain"
    )]
    Nothing,
    /// It begins like a plan and then does not hold.
    #[error("line {line}, column {column}: {reason}")]
    At {
        /// The line, from 1.
        line: usize,
        /// The character in it, from 1.
        column: usize,
        /// What is wrong there.
        reason: &'static str,
    },
}

/// What is wrong at a byte of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault {
    at: usize,
    reason: &'static str,
}

/// What a reader of one format found: plans, and the first place that began like one and broke off.
type Found = (Vec<Plan>, Option<Fault>);

/// All plans of a text, in their order.
pub fn read(text: &str) -> Result<Vec<Plan>, Unreadable> {
    let text = frame::unframed(text);
    let mut broken = None;
    for reader in [xml::plans, json::plans, yaml::plans, text::plans] {
        let (plans, fault) = reader(&text);
        if !plans.is_empty() {
            return Ok(plans);
        }
        broken = broken.or(fault);
    }
    Err(broken.map_or(Unreadable::Nothing, |fault| fault.placed_in(&text)))
}

impl Fault {
    fn placed_in(self, text: &str) -> Unreadable {
        let mut at = self.at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Unreadable::At {
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
            reason: self.reason,
        }
    }
}

#[cfg(test)]
mod tests;
