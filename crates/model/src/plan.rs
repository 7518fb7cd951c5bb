//! An execution plan as PostgreSQL explains it, whatever format it was read from.
//!
//! Nodes lie flat, in the order `EXPLAIN` prints them, each with the place of its parent: a plan of any depth is
//! read, saved and dropped without recursion.

mod account;
mod node;
mod spaces;
#[cfg(test)]
mod tests;
mod title;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::{
    account::{Account, Basis, Share},
    node::{Actual, Conditions, Estimate, Node, Worker},
    spaces::{Buffers, HashAggregate, HashTable, HeapBlocks, IoTimes, Memoize, Removed, Sort, Wal},
};

/// One plan. It always has a root: the readers give no plan without one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// The statement it belongs to, where the text held it (`auto_explain`, a prompt).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The nodes, parents before children, children in the order they are printed. The first is the root.
    pub nodes: Vec<Node>,
    /// Time spent planning, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_ms: Option<f64>,
    /// Time spent executing, triggers and compilation included, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_ms: Option<f64>,
    /// Blocks touched while planning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planning_buffers: Option<Buffers>,
    /// Triggers that ran, constraints among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// Just-in-time compilation, where it took place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jit: Option<Jit>,
    /// Planner settings that differ from their built-in default (`EXPLAIN (SETTINGS)`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The server's query identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_id: Option<i64>,
    /// What turning the result into its wire format cost (`EXPLAIN (SERIALIZE)`, 17 and later).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serialization: Option<Serialization>,
    /// What this release has no field for, as it was read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
}

/// A trigger, or a constraint that is held by one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trigger {
    /// Its name; `RI_ConstraintTrigger_a_16415` and its like for constraints.
    pub name: String,
    /// The constraint it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraint: Option<String>,
    /// The table it is on, where the plan has more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// Time of all calls, in milliseconds; absent with `TIMING off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<f64>,
    /// How often it was called.
    pub calls: f64,
}

/// Just-in-time compilation: times in milliseconds, absent with `TIMING off`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Jit {
    /// Functions compiled.
    pub functions: u64,
    /// Whether functions were inlined.
    pub inlining: bool,
    /// Whether expensive optimisation took place.
    pub optimization: bool,
    /// Time to generate code.
    pub generation_ms: Option<f64>,
    /// Time to inline.
    pub inlining_ms: Option<f64>,
    /// Time to optimise.
    pub optimization_ms: Option<f64>,
    /// Time to emit machine code.
    pub emission_ms: Option<f64>,
    /// All of it.
    pub total_ms: Option<f64>,
}

/// What turning rows into their wire format cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Serialization {
    /// Time, in milliseconds; absent with `TIMING off`.
    pub ms: Option<f64>,
    /// Kilobytes of output.
    pub output_kb: u64,
    /// `text` or `binary`.
    pub format: String,
}

impl Plan {
    /// The root; `None` only of a plan that was made empty by hand.
    pub fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// Places of the children of a node, in the order they are printed.
    pub fn children(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        let deeper = of + 1..self.end_of(of);
        deeper.filter(move |&at| self.nodes[at].parent == Some(of))
    }

    /// The place behind the last node below `of`: `of..end_of(of)` is the subtree.
    pub fn end_of(&self, of: usize) -> usize {
        let Some(node) = self.nodes.get(of) else { return of };
        let mut end = of + 1;
        while self.nodes.get(end).is_some_and(|below| below.depth > node.depth) {
            end += 1;
        }
        end
    }

    /// The nodes from a node's parent up to the root.
    pub fn ancestors(&self, of: usize) -> impl Iterator<Item = usize> + '_ {
        let parent = |at: &usize| self.nodes.get(*at).and_then(|node| node.parent);
        std::iter::successors(parent(&of), move |at| parent(at))
    }

    /// The place of a node among its siblings, from the root: `1`, `1.2`, `1.2.1`. It names a node as long as
    /// the plan keeps its shape.
    pub fn path(&self, of: usize) -> String {
        let mut steps = Vec::new();
        let mut at = of;
        while let Some(parent) = self.nodes.get(at).and_then(|node| node.parent) {
            steps.push(1 + self.children(parent).take_while(|&child| child != at).count());
            at = parent;
        }
        steps.push(1);
        let steps: Vec<String> = steps.iter().rev().map(ToString::to_string).collect();
        steps.join(".")
    }

    /// Adds a node below `parent` and answers its place. Only a node below the one added last, or below one of that
    /// node's ancestors, keeps the order of the tree.
    pub fn push(&mut self, parent: Option<usize>, mut node: Node) -> usize {
        node.parent = parent;
        node.depth = parent.and_then(|at| self.nodes.get(at)).map_or(0, |above| above.depth + 1);
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Whether the statement was executed (`ANALYZE`).
    pub fn is_measured(&self) -> bool {
        self.nodes.iter().any(|node| node.actual.is_some())
    }

    /// Whether each node's time was measured (`ANALYZE` without `TIMING off`).
    pub fn is_timed(&self) -> bool {
        let timed = |node: &Node| node.actual.as_ref().is_some_and(|it| it.total_ms.is_some());
        self.nodes.iter().any(timed)
    }

    /// Milliseconds of the execution: the server's own figure, or the root's time.
    pub fn elapsed_ms(&self) -> Option<f64> {
        let root = || self.root()?.actual.as_ref()?.total_ms;
        self.execution_ms.or_else(root)
    }

    /// The planner's total cost.
    pub fn cost(&self) -> Option<f64> {
        self.root()?.estimate.as_ref().map(|estimate| estimate.total_cost)
    }

    /// Where time, cost and blocks went.
    pub fn account(&self) -> Account {
        Account::of(self)
    }
}
