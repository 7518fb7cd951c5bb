//! Rows that a scan of a whole table reads and throws away, and when that is worth a word.

use dbvitals_model::{Evidence, Unit, plan::Node};

use super::seen::counted;
use crate::{check::Threshold, context::Context};

pub(super) static MIN_REMOVED_RATIO: Threshold = Threshold {
    key: "min_removed_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.0, 1.0),
    why: "an index pays when it spares most of the table",
};

pub(super) static MIN_REMOVED: Threshold = Threshold {
    key: "min_removed_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: Some(1_000.0),
    range: (0.0, 1e12),
    why: "ten thousand rows are filtered in about a millisecond",
};

/// Rows of a scan, over all loops.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thrown {
    pub(super) kept: f64,
    pub(super) removed: f64,
    /// Those thrown away as a part of all.
    pub(super) ratio: f64,
}

impl Thrown {
    /// Of a sequential scan that was executed, with its filter; nothing where too few rows were thrown away.
    pub(super) fn measured<'n>(node: &'n Node, cx: &Context<'_>) -> Option<(Self, &'n str)> {
        let (filter, actual) = (filter(node)?, node.actual?);
        Some((Self::judged(actual.rows * actual.loops, actual.all_removed(), cx)?, filter))
    }

    /// Of so many rows; nothing where too few were thrown away.
    pub(super) fn judged(kept: f64, removed: f64, cx: &Context<'_>) -> Option<Self> {
        let ratio = removed / (removed + kept).max(1.0);
        let is_much = ratio > cx.limit(&MIN_REMOVED_RATIO) && removed > cx.limit(&MIN_REMOVED);
        is_much.then_some(Self { kept, removed, ratio })
    }

    pub(super) fn all(&self) -> f64 {
        self.kept + self.removed
    }

    pub(super) fn evidence(&self, cx: &Context<'_>) -> Evidence {
        counted("rows thrown away", self.removed).against(cx.limit(&MIN_REMOVED))
    }
}

/// The filter of a sequential scan.
pub(super) fn filter(node: &Node) -> Option<&str> {
    node.conditions.filter.as_deref().filter(|_| node.kind == "Seq Scan")
}
