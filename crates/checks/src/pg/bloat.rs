//! Bloat: the share of a relation that would be gone if it were written afresh.
//!
//! Two ways lead to a number. The estimate rebuilds the relation in thought, from the planner's statistics
//! ([`heap`], [`toast`], [`btree`]); the exact one corrects what `pgstattuple` counted on its pages ([`exact`]).
//! Where neither is possible bloat is unknown, which is not nought.

mod btree;
mod distinct;
pub mod drift;
pub mod evidence;
pub mod exact;
pub mod facts;
mod heap;
mod layout;
mod leaf;
mod predicate;
pub mod shortlist;
mod toast;

use dbvitals_model::pg::{index::Index, relation::Relation};

pub use self::facts::Facts;

/// How much of a relation is air.
#[derive(Debug, Clone, PartialEq)]
pub struct Bloat {
    /// Bytes there are.
    pub bytes: f64,
    /// Bytes a fresh copy would take, at most those there are.
    pub rebuilt_bytes: f64,
    /// Share that a fresh copy would not take; 0 to 1.
    pub ratio: f64,
    /// The true ratio is hardly less than this.
    pub at_least: f64,
    /// The true ratio is hardly more than this.
    pub at_most: f64,
    /// Where it comes from.
    pub method: Method,
    /// How far to trust it.
    pub confidence: Confidence,
    /// What lowers the confidence.
    pub reasons: Vec<String>,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Worked out from the planner's statistics.
    Estimated,
    /// Worked out from what was counted on the pages.
    Measured,
    /// Held against an earlier size, by the rows there were and are.
    Drifted,
}

/// How far to trust a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "three words that mean what they say")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    /// The lowercase word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// By the error: up to 3 points is high, up to 10 medium.
    fn of(error: f64) -> Self {
        match error {
            e if e <= 0.03 => Self::High,
            e if e <= 0.1 => Self::Medium,
            _ => Self::Low,
        }
    }
}

impl Method {
    /// The word evidence carries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Estimated => "estimated from planner statistics",
            Self::Measured => "measured with pgstattuple",
            Self::Drifted => "held against an earlier snapshot",
        }
    }
}

impl Bloat {
    /// A relation of `bytes` that would take `rebuilt`, where the truth may be `error` of `bytes` off.
    fn of(bytes: f64, rebuilt: f64, error: f64, method: Method) -> Self {
        let rebuilt_bytes = rebuilt.clamp(0.0, bytes);
        let ratio = 1.0 - rebuilt_bytes / bytes.max(1.0);
        let error = error.clamp(0.0, 1.0);
        Self {
            bytes,
            rebuilt_bytes,
            ratio,
            at_least: (ratio - error).max(0.0),
            at_most: (ratio + error).min(1.0),
            method,
            confidence: Confidence::of(error),
            reasons: Vec::new(),
        }
    }

    /// Bytes a fresh copy would not take.
    pub fn wasted_bytes(&self) -> f64 {
        self.bytes - self.rebuilt_bytes
    }

    /// How far off the ratio may be, upwards or downwards, whichever is more.
    pub fn error(&self) -> f64 {
        (self.ratio - self.at_least).max(self.at_most - self.ratio)
    }

    /// The same with another bound upwards: the truth can only be more than the ratio.
    fn open_above(mut self, at_most: f64, why: impl Into<String>) -> Self {
        self.at_most = self.at_most.max(at_most).min(1.0);
        self.confidence = self.confidence.min(Confidence::of(self.error()));
        self.reasons.push(why.into());
        self
    }

    fn doubted(mut self, why: impl Into<String>, most: Confidence) -> Self {
        self.confidence = self.confidence.min(most);
        self.reasons.push(why.into());
        self
    }

    /// Two forks of one relation together.
    fn joined(self, other: Self) -> Self {
        let bytes = self.bytes + other.bytes;
        let share = other.bytes / bytes.max(1.0);
        let mix = |one: f64, two: f64| one * (1.0 - share) + two * share;
        Self {
            bytes,
            rebuilt_bytes: self.rebuilt_bytes + other.rebuilt_bytes,
            ratio: mix(self.ratio, other.ratio),
            at_least: mix(self.at_least, other.at_least),
            at_most: mix(self.at_most, other.at_most),
            method: self.method,
            confidence: if share < 0.1 {
                self.confidence
            } else {
                self.confidence.min(other.confidence)
            },
            reasons: self.reasons.into_iter().chain(other.reasons).collect(),
        }
    }
}

/// What is known of a B-tree's bloat: measured if it was, else estimated; `None` where it is unknown.
pub fn of_index(facts: &Facts<'_>, index: &Index) -> Option<Bloat> {
    exact::of_index(facts, index).or_else(|| btree::estimate(facts, index))
}

/// A table's own pages, without what lies in its TOAST table.
pub fn of_heap(facts: &Facts<'_>, table: &Relation) -> Option<Bloat> {
    heap::of_table(facts, table)
}

/// What is known of a table's bloat, its TOAST table included.
pub fn of_table(facts: &Facts<'_>, table: &Relation) -> Option<Bloat> {
    exact::of_table(facts, table).or_else(|| estimated_table(facts, table))
}

/// A B-tree's bloat from the planner's statistics alone.
pub fn estimated_index(facts: &Facts<'_>, index: &Index) -> Option<Bloat> {
    btree::estimate(facts, index)
}

/// A table's bloat from the planner's statistics alone, its TOAST table included.
pub fn estimated_table(facts: &Facts<'_>, table: &Relation) -> Option<Bloat> {
    let main = heap::of_table(facts, table)?;
    Some(match toast::estimate(facts, table) {
        Some(toast) => main.joined(toast),
        None => main,
    })
}
