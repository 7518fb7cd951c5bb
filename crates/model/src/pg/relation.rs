//! Tables and partitions of a database.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One table, materialised view or partitioned table with its statistics. Counters run since the
/// database's `stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Relation {
    pub oid: i64,
    pub schema: String,
    pub name: String,
    /// `r` table, `m` materialised view, `p` partitioned table, `t` toast table.
    pub kind: String,
    /// `p` permanent, `u` unlogged, `t` temporary.
    pub persistence: String,
    /// Planner's row estimate; -1 where never analysed.
    pub row_estimate: f64,
    pub pages: i64,
    pub all_visible_pages: i64,
    /// Main fork plus maps. From `pages` where `sizes_estimated`.
    pub heap_bytes: i64,
    pub toast_bytes: i64,
    pub index_bytes: i64,
    /// Sizes are block counts of the last vacuum or analyze, since the relation was locked.
    pub sizes_estimated: bool,
    /// An `AccessExclusiveLock` was held by somebody else: figures come from the catalogue alone.
    pub is_locked: bool,
    /// `key=value` pairs of `reloptions`.
    pub options: Vec<String>,
    pub frozen_xid_age: Option<i64>,
    pub multixact_age: Option<i64>,
    pub seq_scans: i64,
    pub seq_rows_read: i64,
    pub index_scans: Option<i64>,
    pub index_rows_fetched: Option<i64>,
    pub inserts: i64,
    pub updates: i64,
    pub deletes: i64,
    pub hot_updates: i64,
    pub live_rows: i64,
    pub dead_rows: i64,
    pub modified_since_analyze: i64,
    pub inserted_since_vacuum: i64,
    pub last_vacuum: Option<Timestamp>,
    pub last_autovacuum: Option<Timestamp>,
    pub last_analyze: Option<Timestamp>,
    pub last_autoanalyze: Option<Timestamp>,
    pub vacuums: i64,
    pub autovacuums: i64,
    pub analyzes: i64,
    pub autoanalyzes: i64,
    pub heap_blocks_read: i64,
    pub heap_blocks_hit: i64,
    pub index_blocks_read: i64,
    pub index_blocks_hit: i64,
    pub toast_oid: Option<i64>,
    /// Main fork of the TOAST table, without its index and maps.
    pub toast_heap_bytes: i64,
    /// Chunks in the TOAST table by its last vacuum; -1 where unknown.
    pub toast_row_estimate: f64,
    pub toast_live_rows: i64,
    pub toast_all_visible_pages: i64,
    pub has_primary_key: bool,
    /// `d` default, `n` nothing, `f` full, `i` index.
    pub replica_identity: String,
    pub is_published: bool,
    pub row_security: bool,
    pub row_security_forced: bool,
    pub policies: i64,
    pub columns: i64,
    /// Parent by partitioning or inheritance.
    pub parent_oid: Option<i64>,
    pub is_partition: bool,
    /// Belongs to an extension: reported about, never offered for change.
    pub extension: Option<String>,
    /// Planner statistics exist for at least one column.
    pub has_statistics: Option<bool>,
}

impl Relation {
    /// Heap, TOAST and indexes together.
    pub fn total_bytes(&self) -> i64 {
        self.heap_bytes + self.toast_bytes + self.index_bytes
    }

    /// `schema.name` as a person would read it; quoting for SQL is the fix writer's business.
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// The value of one storage option.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options
            .iter()
            .find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key))
            .map(|(_, v)| v)
    }
}

/// One partition of a partitioned table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Partition {
    pub parent_oid: i64,
    pub parent: String,
    /// `RANGE`, `LIST`, `HASH`.
    pub strategy: String,
    /// `pg_get_partkeydef`.
    pub key: String,
    pub oid: i64,
    pub name: String,
    /// `pg_get_expr(relpartbound)`; `DEFAULT` for the default partition.
    pub bound: String,
    pub is_default: bool,
    /// Detach was begun concurrently and not finished (14+).
    pub detach_pending: bool,
    pub row_estimate: f64,
    pub pages: i64,
}
