//! One node of a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Buffers, HashAggregate, HashTable, HeapBlocks, Memoize, Removed, Sort, Wal};

/// One step of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// The place of the node it works for; `None` for the root.
    pub parent: Option<usize>,
    /// Steps to the root.
    pub depth: usize,
    /// `Seq Scan`, `Hash Join`, `Aggregate` …: the server's own word in its structured formats.
    pub kind: String,
    /// `Outer`, `Inner`, `Member`, `Subquery`, `InitPlan`, `SubPlan`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relationship: Option<String>,
    /// `CTE recent`, `InitPlan 1 (returns $0)`, `SubPlan 2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subplan: Option<String>,
    /// The schema of the relation or function (`VERBOSE`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The table it reads or writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
    /// What the statement calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The index it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The common table expression (or work table) it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cte: Option<String>,
    /// The function it reads from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// `Insert`, `Update`, `Delete`, `Merge` of what writes; `Intersect`, `Except All` … of a `SetOp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `Inner`, `Left`, `Semi`, `Right Anti` … of a join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_type: Option<String>,
    /// `Plain`, `Sorted`, `Hashed`, `Mixed` of an aggregate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// `Partial` or `Finalize` of an aggregate that works in two steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial_mode: Option<String>,
    /// Whether an index is read from its end.
    #[serde(skip_serializing_if = "is_false")]
    pub is_backward: bool,
    /// Whether several processes share its work.
    #[serde(skip_serializing_if = "is_false")]
    pub parallel_aware: bool,
    /// Whether the planner had it disabled by a setting and found no other way (18 and later).
    #[serde(skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// What the planner expected; absent with `COSTS off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// What happened; absent without `ANALYZE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Actual>,
    /// Conditions on rows.
    pub conditions: Conditions,
    /// What it sorts by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sort_key: Vec<String>,
    /// The leading part of [`Self::sort_key`] its input is sorted by already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub presorted_key: Vec<String>,
    /// What it groups by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group_key: Vec<String>,
    /// Columns it gives (`VERBOSE`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// What a sort took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// The table of a hash join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<HashTable>,
    /// The memory of a hash aggregate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<HashAggregate>,
    /// The cache of a `Memoize`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memoize: Option<Memoize>,
    /// The pages a bitmap named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap_blocks: Option<HeapBlocks>,
    /// Rows of an index-only scan whose page had to be looked at all the same, over all loops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap_fetches: Option<f64>,
    /// Descents into the index (18 and later), over all loops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_searches: Option<f64>,
    /// Workers the planner asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers_planned: Option<u64>,
    /// Workers that came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers_launched: Option<u64>,
    /// What each worker did (`VERBOSE`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<Worker>,
    /// Partitions that were pruned when execution began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subplans_removed: Option<u64>,
    /// Blocks, this node's and those below it; absent without `BUFFERS`, and where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffers: Option<Buffers>,
    /// Write-ahead log, this node's and that below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wal: Option<Wal>,
    /// What this release has no field for, as it was read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other: BTreeMap<String, String>,
}

/// What the planner expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Estimate {
    /// Cost until the first row.
    pub startup_cost: f64,
    /// Cost of all rows.
    pub total_cost: f64,
    /// Rows, per execution of the node.
    pub rows: f64,
    /// Mean bytes of a row.
    pub width: u64,
}

/// What happened: means over all loops, as the server tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Actual {
    /// Time until the first row; absent with `TIMING off`.
    pub startup_ms: Option<f64>,
    /// Time of all rows; absent with `TIMING off`.
    pub total_ms: Option<f64>,
    /// Rows; a whole number before version 18.
    pub rows: f64,
    /// Executions, over all processes; zero when it never ran.
    pub loops: f64,
    /// Rows read and thrown away.
    pub removed: Removed,
}

/// Conditions, as the server writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the fields are the server's own words")]
pub struct Conditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_cond: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recheck_cond: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join_filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_cond: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_cond: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_time_filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tid_cond: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_condition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_key: Option<String>,
}

/// What one parallel worker did in one node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Worker {
    /// Its number, from zero.
    pub number: u64,
    /// What it did.
    pub actual: Option<Actual>,
    /// What its sort took.
    pub sort: Option<Sort>,
    /// Its blocks.
    pub buffers: Option<Buffers>,
}

impl Node {
    /// A node of that kind, for building plans.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    /// The table with its schema, as a person would write it: `app.orders`.
    pub fn table(&self) -> Option<String> {
        let relation = self.relation.as_ref()?;
        Some(match &self.schema {
            Some(schema) => format!("{schema}.{relation}"),
            None => relation.clone(),
        })
    }

    /// Whether it reads a table or an index.
    pub fn is_scan(&self) -> bool {
        self.kind.ends_with("Scan")
    }

    /// Whether it joins two inputs.
    pub fn is_join(&self) -> bool {
        matches!(self.kind.as_str(), "Nested Loop" | "Hash Join" | "Merge Join")
    }

    /// Whether it is run for an expression or a name, not for its parent's input.
    pub fn is_aside(&self) -> bool {
        matches!(self.relationship.as_deref(), Some("InitPlan" | "SubPlan"))
    }

    /// The common table expression this node computes.
    pub fn defines_cte(&self) -> Option<&str> {
        self.subplan.as_deref()?.strip_prefix("CTE ")
    }

    /// Executions; `None` without `ANALYZE`.
    pub fn loops(&self) -> Option<f64> {
        self.actual.as_ref().map(|actual| actual.loops)
    }

    /// Whether `ANALYZE` saw it and it did not run.
    pub fn never_ran(&self) -> bool {
        self.actual.as_ref().is_some_and(|actual| actual.loops <= 0.0)
    }

    /// Rows given over all loops; `None` without `ANALYZE`.
    pub fn all_rows(&self) -> Option<f64> {
        self.actual.as_ref().map(|actual| actual.rows * actual.loops)
    }

    /// Every text in which the node names expressions.
    pub fn expressions(&self) -> impl Iterator<Item = &str> {
        let it = &self.conditions;
        let single = [
            &it.filter,
            &it.index_cond,
            &it.recheck_cond,
            &it.join_filter,
            &it.hash_cond,
            &it.merge_cond,
            &it.one_time_filter,
            &it.tid_cond,
            &it.order_by,
            &it.run_condition,
            &it.cache_key,
        ];
        let lists = [&self.sort_key, &self.group_key, &self.output];
        let single = single.into_iter().filter_map(|text| text.as_deref());
        let lists = lists.into_iter().flatten().map(String::as_str);
        single.chain(lists).chain(self.other.values().map(String::as_str))
    }
}

impl Conditions {
    /// The kinds of condition that hold rows back, each with its word, in the order they are printed.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("Index Cond", &self.index_cond),
            ("Recheck Cond", &self.recheck_cond),
            ("Order By", &self.order_by),
            ("TID Cond", &self.tid_cond),
            ("Hash Cond", &self.hash_cond),
            ("Merge Cond", &self.merge_cond),
            ("Join Filter", &self.join_filter),
            ("Run Condition", &self.run_condition),
            ("One-Time Filter", &self.one_time_filter),
            ("Filter", &self.filter),
            ("Cache Key", &self.cache_key),
        ];
        all.into_iter().filter_map(|(name, text)| Some((name, text.as_deref()?)))
    }
}

impl Actual {
    /// Time over all loops and processes, in milliseconds.
    pub fn all_ms(&self) -> Option<f64> {
        self.total_ms.map(|ms| ms * self.loops)
    }

    /// Rows that `Filter` and rechecks threw away, over all loops.
    pub fn all_removed(&self) -> f64 {
        (self.removed.by_filter + self.removed.by_recheck) * self.loops
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
fn is_false(value: &bool) -> bool {
    !*value
}
