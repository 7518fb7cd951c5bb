//! Indexes of a database.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One index with its definition in parts and its statistics since the database's `stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Index {
    pub oid: i64,
    pub table_oid: i64,
    pub schema: String,
    pub name: String,
    pub table: String,
    /// `btree`, `hash`, `gin`, `gist`, `spgist`, `brin` …
    pub method: String,
    pub is_unique: bool,
    pub is_primary: bool,
    pub is_exclusion: bool,
    pub is_valid: bool,
    pub is_ready: bool,
    pub is_live: bool,
    pub is_clustered: bool,
    pub is_replica_identity: bool,
    pub nulls_not_distinct: bool,
    /// Equal keys look equal byte by byte, which folding them asks for; `None` where not known.
    pub has_equal_images: Option<bool>,
    /// Name of the constraint that owns it (`p`, `u`, `x`), if any.
    pub constraint: Option<String>,
    /// Key columns by attribute number, 0 for an expression.
    pub key_columns: Vec<i64>,
    pub key_names: Vec<String>,
    pub included_columns: Vec<i64>,
    pub included_names: Vec<String>,
    pub opclasses: Vec<i64>,
    pub collations: Vec<i64>,
    /// `indoption` bits by key column: 1 descending, 2 nulls first.
    pub key_options: Vec<i64>,
    /// Deparsed expressions, if any key is one.
    pub expressions: Option<String>,
    /// Deparsed predicate of a partial index.
    pub predicate: Option<String>,
    pub definition: String,
    /// `key=value` pairs of `reloptions`.
    pub options: Vec<String>,
    pub row_estimate: f64,
    pub pages: i64,
    pub size_bytes: i64,
    pub size_estimated: bool,
    pub scans: i64,
    pub rows_read: i64,
    pub rows_fetched: i64,
    /// 16+.
    pub last_scan: Option<Timestamp>,
    pub blocks_read: i64,
    pub blocks_hit: i64,
    /// Index of the partitioned parent it is attached to.
    pub parent_oid: Option<i64>,
    pub extension: Option<String>,
}

impl Index {
    /// `schema.name` as a person would read it.
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    /// `schema.table` as a person would read it (an index lives in its table's schema).
    pub fn qualified_table(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    /// Whether a rule of the data rather than speed depends on it.
    pub fn is_constraint(&self) -> bool {
        self.is_unique || self.is_primary || self.is_exclusion || self.constraint.is_some()
    }
}
