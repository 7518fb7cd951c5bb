//! The rows a query answered, decoded into structs by column name.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio_postgres::Row;

pub use crate::{cell::Cell, decode::DecodeError};
use crate::{cell::Trouble, decode};

/// The rows a query answered. It serialises to JSON, so that answers can be recorded and replayed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Column names, in the order of the cells.
    pub columns: Vec<String>,
    /// Rows, each with one cell per column.
    pub rows: Vec<Vec<Cell>>,
    /// Bytes of row data received.
    #[serde(default)]
    pub bytes: u64,
}

impl Table {
    /// Reads every row into a struct whose fields are named like columns.
    ///
    /// A column without a field is ignored. NULL is left out, so it becomes `None` for an `Option`, and the
    /// default for a field with `#[serde(default)]`; for any other field it is an error.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<Vec<T>, DecodeError> {
        let mut all = Vec::with_capacity(self.rows.len());
        for (number, row) in self.rows.iter().enumerate() {
            all.push(decode::row(&self.columns, row).map_err(|trouble| trouble.in_row(number))?);
        }
        Ok(all)
    }

    /// Reads the only row; an error if there is none, or more than one.
    pub fn one<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        match self.rows.as_slice() {
            [row] => decode::row(&self.columns, row).map_err(|trouble| trouble.in_row(0)),
            rows => Err(DecodeError::not_one_row(rows.len())),
        }
    }

    /// Adds a row as it came over the wire.
    pub(crate) fn push(&mut self, row: &Row) -> Result<(), Trouble> {
        if self.rows.is_empty() {
            self.columns = row.columns().iter().map(|column| column.name().to_owned()).collect();
        }
        let mut cells = Vec::with_capacity(row.len());
        for (place, column) in row.columns().iter().enumerate() {
            let cell = row
                .try_get(place)
                .map_err(|trouble| format!("column {}: {}", column.name(), innermost(&trouble)))?;
            cells.push(cell);
        }
        self.rows.push(cells);
        self.bytes += row.raw_size_bytes() as u64;
        Ok(())
    }
}

/// The text of the last cause, which is where the wire library keeps the reason.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Seen {
        name: String,
        calls: i64,
        share: f64,
        since: Option<Timestamp>,
        tags: Vec<String>,
        state: State,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum State {
        #[default]
        Unknown,
        Active,
    }

    fn table(cells: &[(&str, Cell)]) -> Table {
        Table {
            columns: cells.iter().map(|(name, _)| (*name).to_owned()).collect(),
            rows: vec![cells.iter().map(|(_, cell)| cell.clone()).collect()],
            bytes: 0,
        }
    }

    #[test]
    fn columns_fill_fields_of_their_name() {
        let since: Timestamp = "2024-05-06T07:08:09.123456Z".parse().unwrap();
        let table = table(&[
            ("calls", Cell::Int(3)),
            ("name", Cell::Text("x".into())),
            ("share", Cell::Int(1)),
            ("since", Cell::Time(since)),
            ("tags", Cell::Array(vec![Cell::Text("a".into())])),
            ("state", Cell::Text("active".into())),
            ("not_asked_for", Cell::Bool(true)),
        ]);
        let seen: Seen = table.one().unwrap();
        let wanted = Seen {
            name: "x".into(),
            calls: 3,
            share: 1.0,
            since: Some(since),
            tags: vec!["a".into()],
            state: State::Active,
        };
        assert_eq!(seen, wanted);
        let text = serde_json::to_string(&table).unwrap();
        let replayed: Table = serde_json::from_str(&text).unwrap();
        assert_eq!(replayed.one::<Seen>().unwrap(), wanted, "a recorded table decodes alike");
    }

    #[test]
    fn null_gives_the_default_or_names_the_missing_field() {
        #[derive(Debug, Deserialize)]
        struct Strict {
            #[expect(dead_code, reason = "only its absence matters")]
            calls: i64,
        }
        let table = table(&[("calls", Cell::Null)]);
        assert_eq!(table.one::<Seen>().unwrap(), Seen::default());
        let trouble = table.one::<Strict>().unwrap_err().to_string();
        assert!(trouble.contains("calls"), "{trouble}");
    }

    #[test]
    fn a_mismatch_names_row_and_column() {
        let mut table = table(&[("calls", Cell::Int(1))]);
        table.rows.push(vec![Cell::Text("many".into())]);
        let trouble = table.decode::<Seen>().unwrap_err().to_string();
        assert!(trouble.contains("row 2") && trouble.contains("calls"), "{trouble}");
    }

    #[test]
    fn one_row_means_one() {
        let mut table = table(&[("calls", Cell::Int(1))]);
        table.rows.clear();
        assert!(table.one::<Seen>().unwrap_err().to_string().contains("0 rows"));
    }
}
