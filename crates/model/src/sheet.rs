//! What a look into one server shows: measured facts and tables, raw with their units, for a renderer.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Evidence, Measure, Unavailable, Unit,
    report::{Overview, OverviewColumn},
};

/// The version of the JSON a sheet is written as.
pub const SHEET_VERSION: u32 = 1;

/// One look into one server.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sheet {
    /// [`SHEET_VERSION`] of the writer.
    pub schema_version: u32,
    /// What was looked at: `redis-slowlog`.
    pub id: String,
    /// The name of the target.
    pub target: String,
    /// The server in words: `Redis 7.0.15, primary`.
    pub server: String,
    /// The server's clock at the look.
    pub at: Timestamp,
    /// Single measurements.
    pub facts: Vec<Evidence>,
    /// Tables, most important first.
    pub tables: Vec<Overview>,
    /// What an expert would say about it.
    pub notes: Vec<String>,
    /// What could not be read, and what would open it.
    pub missing: Vec<Missing>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Missing {
    /// What would have been shown.
    pub what: String,
    /// Why it is not.
    #[serde(flatten)]
    pub why: Unavailable,
}

impl Sheet {
    /// An empty sheet.
    pub fn new(id: &str, target: &str, server: impl Into<String>, at: Timestamp) -> Self {
        Self {
            schema_version: SHEET_VERSION,
            id: id.to_owned(),
            target: target.to_owned(),
            server: server.into(),
            at,
            facts: Vec::new(),
            tables: Vec::new(),
            notes: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Adds a measurement.
    pub fn fact(&mut self, label: &str, value: impl Into<Measure>, unit: Unit, source: &str) {
        self.facts.push(Evidence::new(label, value, unit, source));
    }

    /// Adds a table unless it has no rows.
    pub fn table(
        &mut self,
        id: &str,
        title: impl Into<String>,
        columns: &[(&str, Unit)],
        rows: Vec<Vec<Measure>>,
    ) {
        if rows.is_empty() {
            return;
        }
        let column = |(label, unit): &(&str, Unit)| OverviewColumn {
            label: (*label).to_owned(),
            unit: *unit,
        };
        self.tables.push(Overview {
            id: id.to_owned(),
            target: self.target.clone(),
            note: None,
            title: title.into(),
            columns: columns.iter().map(column).collect(),
            rows,
        });
    }

    /// Adds a remark.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Adds what could not be read.
    pub fn misses(&mut self, what: &str, why: &Unavailable) {
        self.missing.push(Missing { what: what.to_owned(), why: why.clone() });
    }
}
