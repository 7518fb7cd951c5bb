//! Values that stand for a column's, from its statistics.

use serde::Deserialize;

use super::literal;
use crate::{Answer, Query, session::Session};

/// A column whose values are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedColumn {
    /// `None`: the first schema of the session's own `search_path` that has the table, else any.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
}

/// Values of a column as its statistics tell them. The values themselves are data of the application.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct ColumnValues {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The most frequent value.
    pub common: Option<String>,
    /// Its share of all rows.
    pub common_share: Option<f64>,
    /// The least frequent of the frequent values.
    pub rare: Option<String>,
    /// From the lowest to the highest value, in tenths of the rows; empty without a histogram.
    #[serde(default)]
    pub tenths: Vec<String>,
}

/// Answered after this time, or not at all.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(2);

#[derive(Deserialize)]
struct Row {
    schema_name: String,
    table_name: String,
    column_name: String,
    common: Option<String>,
    common_share: Option<f64>,
    rare: Option<String>,
    tenths: Option<Vec<String>>,
}

impl Session {
    /// What statistics tell of the values of columns; what the role may not see is left out.
    pub async fn values_of(&mut self, columns: &[WantedColumn]) -> Vec<ColumnValues> {
        if columns.is_empty() {
            return Vec::new();
        }
        let query = Query { name: "values", sql: text(columns), timeout: LIMIT };
        let answer = self.batch(&[query]).await.pop();
        let rows: Vec<Row> = answer.and_then(Answer::decoded).unwrap_or_default();
        columns.iter().filter_map(|wanted| best(wanted, &rows)).collect()
    }
}

fn best(wanted: &WantedColumn, rows: &[Row]) -> Option<ColumnValues> {
    let fits = |row: &&Row| {
        row.table_name == wanted.table
            && row.column_name == wanted.column
            && wanted.schema.as_ref().is_none_or(|schema| *schema == row.schema_name)
    };
    let row = rows.iter().find(fits)?;
    Some(ColumnValues {
        table: row.table_name.clone(),
        column: row.column_name.clone(),
        common: row.common.clone(),
        common_share: row.common_share,
        rare: row.rare.clone(),
        tenths: row.tenths.clone().unwrap_or_default(),
    })
}

fn text(columns: &[WantedColumn]) -> String {
    let pairs: Vec<String> = columns
        .iter()
        .map(|c| format!("({}, {})", literal(&c.table), literal(&c.column)))
        .collect();
    format!(
        "SELECT s.schemaname::text AS schema_name, \
            pg_catalog.array_position(p.names, s.schemaname::text) AS place, \
            s.tablename::text AS table_name, s.attname::text AS column_name, \
            (s.most_common_vals::text::text[])[1] AS common, \
            s.most_common_freqs[1]::float8 AS common_share, \
            (s.most_common_vals::text::text[])[pg_catalog.cardinality(s.most_common_freqs)] AS rare, \
            (SELECT pg_catalog.array_agg(b.bounds[1 + (pg_catalog.cardinality(b.bounds) - 1) * g / 10] ORDER BY g) \
               FROM (SELECT s.histogram_bounds::text::text[] AS bounds) b, pg_catalog.generate_series(0, 10) g \
              WHERE pg_catalog.cardinality(b.bounds) > 1) AS tenths \
         FROM pg_catalog.pg_stats s \
         CROSS JOIN (SELECT pg_catalog.string_to_array(pg_catalog.translate(pg_catalog.replace( \
            (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'), \
            '\"$user\"', current_user), '\" ', ''), ',') AS names) p \
         WHERE (s.tablename, s.attname) IN ({}) AND NOT s.inherited \
         ORDER BY place, s.schemaname LIMIT 1000",
        pairs.join(", ")
    )
}
