//! What estimates of one database rest on, indexed by what they look for.

use std::collections::BTreeMap;

use dbvitals_model::pg::{
    DatabaseSnapshot,
    index::Index,
    measured::Measured,
    relation::Relation,
    schema::{Column, ExtendedStatistics},
};

/// Sections of one database by table, index and column.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    page_bytes: f64,
    tables: BTreeMap<i64, &'a Relation>,
    /// Columns in the order of their numbers, dropped ones included.
    columns: BTreeMap<i64, Vec<&'a Column>>,
    combinations: BTreeMap<i64, Vec<&'a str>>,
    measured: BTreeMap<i64, &'a Measured>,
}

impl<'a> Facts<'a> {
    /// With the statistics of tables and columns, for a server of that page size.
    pub fn new(page_bytes: i64, relations: &'a [Relation], columns: &'a [Column]) -> Self {
        let mut facts = Self {
            page_bytes: page_bytes.max(1024) as f64,
            tables: relations.iter().map(|table| (table.oid, table)).collect(),
            ..Self::default()
        };
        facts.add_columns(columns);
        facts
    }

    /// With statistics of expressions.
    #[must_use]
    pub fn with_expressions(mut self, columns: &'a [Column]) -> Self {
        self.add_columns(columns);
        self
    }

    /// With numbers of combinations.
    #[must_use]
    pub fn with_combinations(mut self, statistics: &'a [ExtendedStatistics]) -> Self {
        for one in statistics {
            if let Some(text) = &one.n_distinct {
                self.combinations.entry(one.table_oid).or_default().push(text);
            }
        }
        self
    }

    /// With what was counted on pages.
    #[must_use]
    pub fn with_measured(mut self, measured: &'a [Measured]) -> Self {
        self.measured = measured.iter().map(|one| (one.oid, one)).collect();
        self
    }

    /// All a snapshot has of a database; sections that are missing are empty.
    pub fn of(page_bytes: i64, database: &'a DatabaseSnapshot) -> Self {
        let relations = database.relations.value().map_or(&[][..], Vec::as_slice);
        let columns = database.columns.value().map_or(&[][..], Vec::as_slice);
        let expressions = database.index_columns.value().map_or(&[][..], Vec::as_slice);
        let combinations = database.extended_statistics.value().map_or(&[][..], Vec::as_slice);
        let measured = database.measured.value().map_or(&[][..], Vec::as_slice);
        Self::new(page_bytes, relations, columns)
            .with_expressions(expressions)
            .with_combinations(combinations)
            .with_measured(measured)
    }

    fn add_columns(&mut self, columns: &'a [Column]) {
        for column in columns {
            self.columns.entry(column.table_oid).or_default().push(column);
        }
        for own in self.columns.values_mut() {
            own.sort_by_key(|column| column.number);
        }
    }

    /// Bytes of a page.
    pub(super) fn page_bytes(&self) -> f64 {
        self.page_bytes
    }

    /// Columns of a table in the order of their numbers.
    pub(super) fn columns(&self, table: i64) -> &[&'a Column] {
        self.columns.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The column behind one key of an index: the table's, or the index's own for an expression.
    pub(super) fn key(&self, index: &Index, key: usize) -> Option<&'a Column> {
        let number = *index.key_columns.get(key)?;
        if number > 0 {
            return self.column(index.table_oid, number);
        }
        self.column(index.oid, i64::try_from(key).ok()? + 1)
    }

    /// One column by number.
    pub(super) fn column(&self, table: i64, number: i64) -> Option<&'a Column> {
        self.columns(table).iter().copied().find(|column| column.number == number)
    }

    /// The table of that oid.
    pub(super) fn table(&self, oid: i64) -> Option<&'a Relation> {
        self.tables.get(&oid).copied()
    }

    /// Texts of numbers of combinations.
    pub(super) fn combinations(&self, table: i64) -> &[&'a str] {
        self.combinations.get(&table).map_or(&[], Vec::as_slice)
    }

    /// What was counted on the pages of a relation.
    pub(super) fn measured(&self, oid: i64) -> Option<&'a Measured> {
        self.measured.get(&oid).copied()
    }
}

/// Live rows of a table, and how wrong that may be as a share; `None` where nobody counted.
pub(super) fn live_rows(table: &Relation) -> Option<(f64, f64)> {
    let counted = table.last_vacuum.max(table.last_autovacuum).max(table.last_analyze);
    if counted.max(table.last_autoanalyze).is_some() {
        // Counters run behind, and an analyze right after a change counts it twice. Too many rows invent no bloat;
        // rows that are really gone are gone from the catalogue with the next vacuum.
        let live = table.live_rows.max(0) as f64;
        let rows = live.max(table.row_estimate);
        let doubt = if rows - live > 0.1 * rows { 0.04 } else { 0.01 };
        return Some((rows, doubt));
    }
    // Where counters were never set, the catalogue's rows and pages at least belong together.
    (table.row_estimate >= 0.0).then_some((table.row_estimate, 0.05))
}

/// Rows changed since columns were sampled, as a share of all.
pub(super) fn changed(table: &Relation) -> f64 {
    let rows = table.row_estimate.max(table.live_rows as f64).max(1.0);
    table.modified_since_analyze.max(0) as f64 / rows
}

/// The number an option of storage carries.
pub(super) fn option(options: &[String], key: &str) -> Option<f64> {
    let pair = options.iter().find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key));
    pair.and_then(|(_, value)| value.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_that_fell_behind_empties_no_table() {
        let table = Relation {
            row_estimate: 30_000.0,
            live_rows: 0,
            last_vacuum: Some(jiff::Timestamp::UNIX_EPOCH),
            ..Relation::default()
        };
        assert_eq!(live_rows(&table), Some((30_000.0, 0.04)));
        let grown = Relation { live_rows: 40_000, ..table.clone() };
        assert_eq!(live_rows(&grown), Some((40_000.0, 0.01)));
        let uncounted = Relation { last_vacuum: None, ..table };
        assert_eq!(live_rows(&uncounted), Some((30_000.0, 0.05)));
    }
}
