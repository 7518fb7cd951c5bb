//! Relations whose pages were read by `pgstattuple`.
#![expect(
    missing_docs,
    reason = "fields carry the extension's own names and their unit in the name"
)]

use serde::{Deserialize, Serialize};

/// One B-tree (`pgstatindex`) or table (`pgstattuple_approx`); the fields of the other are absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measured {
    pub oid: i64,
    /// Main fork at the time of the reading.
    pub size_bytes: i64,
    pub internal_pages: Option<i64>,
    pub leaf_pages: Option<i64>,
    pub empty_pages: Option<i64>,
    pub deleted_pages: Option<i64>,
    /// Percent of the leaf pages' room that is not free.
    pub average_leaf_density: Option<f64>,
    /// Percent of the table that was read; the rest is known from the visibility and free space maps.
    pub scanned_percent: Option<f64>,
    pub live_rows: Option<i64>,
    /// Live rows; on pages that were not read, all that is not free.
    pub live_bytes: Option<i64>,
    pub dead_rows: Option<i64>,
    pub dead_bytes: Option<i64>,
    pub free_bytes: Option<i64>,
}

/// A relation whose bloat is worth measuring, and what that would read.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspect {
    pub oid: i64,
    /// `schema.name`, for messages.
    pub name: String,
    /// A B-tree; otherwise a table or TOAST table.
    pub is_index: bool,
    /// Bytes of the pages that would be read.
    pub bytes: i64,
}
