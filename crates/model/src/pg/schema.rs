//! Columns, constraints, sequences, extensions and other objects of a database.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One column, with planner statistics where the role may see them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    pub table_oid: i64,
    pub schema: String,
    pub table: String,
    pub number: i64,
    pub name: String,
    /// `format_type`: `character varying(20)`.
    pub type_name: String,
    /// `pg_type.typname`: `varchar`, `int4`, `jsonb`.
    pub type_id: String,
    /// Bytes, or -1 for varlena.
    pub length: i64,
    /// `c` 1, `s` 2, `i` 4, `d` 8.
    pub alignment: String,
    /// `p` plain, `e` external, `m` main, `x` extended.
    pub storage: String,
    pub is_not_null: bool,
    pub has_default: bool,
    /// `a` always, `d` by default, empty for none.
    pub identity: String,
    pub is_dropped: bool,
    /// Statistics; all `None` when the role may not read `pg_stats` or none were gathered.
    pub null_ratio: Option<f64>,
    pub average_width: Option<i64>,
    /// Positive: number of values; negative: minus the share of rows.
    pub n_distinct: Option<f64>,
    pub correlation: Option<f64>,
    /// Largest value of the histogram of an integer column, where readable.
    pub histogram_max: Option<i64>,
    /// Texts and numerics of the largest tables: values of the statistics by their stored width modulo 8, per
    /// thousand, from residue 0 to 7; empty where not known.
    pub width_residues: Vec<i64>,
    /// Number of most common values.
    pub common_values: Option<i64>,
    /// Share of the rows that hold one of them.
    pub common_ratio: Option<f64>,
}

/// What the server knows of the numbers of different combinations of columns (`CREATE STATISTICS`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExtendedStatistics {
    pub table_oid: i64,
    pub schema: String,
    pub name: String,
    /// As the server writes it: `{"1, 2": 100, "1, 3": 7}`, by attribute numbers.
    pub n_distinct: Option<String>,
}

/// One constraint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Constraint {
    pub oid: i64,
    pub name: String,
    /// `f` foreign key, `c` check, `n` not null.
    pub kind: String,
    pub schema: String,
    pub table: String,
    pub table_oid: i64,
    pub columns: Vec<i64>,
    pub column_names: Vec<String>,
    pub column_types: Vec<String>,
    pub referenced_oid: Option<i64>,
    pub referenced_schema: Option<String>,
    pub referenced_table: Option<String>,
    pub referenced_columns: Vec<i64>,
    pub referenced_names: Vec<String>,
    pub referenced_types: Vec<String>,
    pub is_validated: bool,
    /// `a` no action, `r` restrict, `c` cascade, `n` set null, `d` set default.
    pub on_delete: String,
    /// Inherited from a partitioned parent's constraint.
    pub parent_oid: Option<i64>,
    pub definition: String,
}

/// One sequence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sequence {
    pub schema: String,
    pub name: String,
    /// `smallint`, `integer`, `bigint`.
    pub type_name: String,
    pub min_value: i64,
    pub max_value: i64,
    pub increment: i64,
    pub cycles: bool,
    /// `None` when never used, or the role may not read it (see `is_readable`).
    pub last_value: Option<i64>,
    pub is_readable: bool,
    /// The column it feeds, if any.
    pub owner_table: Option<String>,
    pub owner_schema: Option<String>,
    pub owner_column: Option<String>,
    /// `int2`, `int4`, `int8` …
    pub owner_type: Option<String>,
    pub owner_is_key: bool,
}

/// One installed extension.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extension {
    pub name: String,
    pub schema: String,
    pub version: String,
    /// The version the server would install today.
    pub available_version: Option<String>,
}

/// One trigger that does not fire.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DisabledTrigger {
    pub schema: String,
    pub table: String,
    pub name: String,
    /// Enforces a foreign key.
    pub is_internal: bool,
}

/// Large objects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LargeObjects {
    pub count: i64,
    /// Columns of type `oid` or `lo` in user tables that could refer to them.
    pub referring_columns: i64,
}

/// An object whose recorded collation version differs from the operating system's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CollationMismatch {
    pub schema: String,
    pub collation: String,
    pub recorded_version: String,
    pub actual_version: String,
    /// Indexes that order by it, as SQL writes them (bounded).
    pub indexes: Vec<String>,
    pub index_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noticed_at: Option<Timestamp>,
}

/// A view that reads views.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NestedView {
    pub oid: i64,
    pub schema: String,
    pub name: String,
    /// Views on the longest way down, itself among them; counted up to 20.
    pub depth: i64,
    /// The views it reads itself, `schema.name` (bounded).
    pub reads: Vec<String>,
    pub extension: Option<String>,
}

/// One temporary table of any session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemporaryTable {
    pub oid: i64,
    /// `pg_temp_3`.
    pub schema: String,
    pub name: String,
    pub owner: String,
    pub pages: i64,
    pub frozen_xid_age: Option<i64>,
    /// Whether a session lives that may own it; `None` where the server does not tell (before 16, while others are
    /// connected).
    pub owner_lives: Option<bool>,
}
