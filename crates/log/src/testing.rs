//! What tests of scanners share.

use crate::record::{Record, Sink};

/// Records in words, and how many lines were none.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// `pid SEVERITY message|detail|statement`.
    pub(crate) records: Vec<String>,
    /// Lines that are no part of a record.
    pub(crate) unread: usize,
    /// Records that were cut.
    pub(crate) cut: usize,
}

impl Sink for Seen {
    fn record(&mut self, record: &Record<'_>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.records.push(format!(
            "{} {} {}|{}|{}",
            record.pid,
            record.severity.as_str(),
            text(record.message),
            text(record.detail),
            text(record.statement)
        ));
    }

    fn unread(&mut self, _: &[u8]) {
        self.unread += 1;
    }

    fn cut(&mut self) {
        self.cut += 1;
    }
}
