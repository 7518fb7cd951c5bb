//! What a collector's query brought, on its way into the snapshot.

use dbvitals_model::{Collected, Reason, Section, Unavailable};
use serde::de::DeserializeOwned;

use super::{collector::Collector, obstacle, reader::Reader};
use crate::{Answer, Table};

/// The rows or the obstacle, and what is known to be missing.
#[derive(Debug)]
pub struct Found {
    result: Result<Table, Unavailable>,
    gaps: Vec<Unavailable>,
    reader: Reader,
}

impl Found {
    /// What the server answered.
    pub(super) fn answered(collector: &Collector, reader: &Reader, answer: Answer) -> Self {
        let mut gaps = Vec::new();
        let result = match answer.result {
            Ok(table) => {
                gaps.extend(reader.gaps(collector));
                gaps.extend(beyond_limit(collector, &table));
                Ok(table)
            }
            Err(error) => Err(obstacle::of_error(&error, collector, reader)),
        };
        Self { result, gaps, reader: reader.clone() }
    }

    /// Nothing, for a reason known without asking.
    pub(super) fn nothing(reader: &Reader, why: Unavailable) -> Self {
        Self { result: Err(why), gaps: Vec::new(), reader: reader.clone() }
    }

    /// Adds what is missing from the rows.
    pub(super) fn with_gap(mut self, gap: Unavailable) -> Self {
        if self.result.is_ok() {
            self.gaps.push(gap);
        }
        self
    }

    /// The role that read.
    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// One struct per row.
    pub(super) fn many<T: DeserializeOwned>(self) -> Section<Vec<T>> {
        self.section(Table::decode)
    }

    /// The only row.
    pub(super) fn one<T: DeserializeOwned>(self) -> Section<T> {
        self.section(Table::one)
    }

    /// Whatever `read` makes of the rows.
    pub(super) fn section<T>(
        self,
        read: impl FnOnce(&Table) -> Result<T, crate::DecodeError>,
    ) -> Section<T> {
        let value =
            self.result.and_then(|table| read(&table).map_err(|error| obstacle::of_shape(&error)));
        match value {
            Ok(value) => Section::Collected(Collected { value, gaps: self.gaps }),
            Err(why) => Section::Unavailable(why),
        }
    }
}

/// The gap when as many rows came as the text lets through.
fn beyond_limit(collector: &Collector, table: &Table) -> Option<Unavailable> {
    if collector.limit == 1 || table.rows.len() < collector.limit {
        return None;
    }
    let detail = format!("only the first {} rows were read", collector.limit);
    Some(Unavailable { reason: Reason::Timeout, detail, remedy: None })
}
