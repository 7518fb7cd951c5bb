//! One record of a log, borrowed from the buffer it was read into.

use crate::{moment::Micros, severity::Severity};

/// One record. A field the format or the prefix does not carry is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record<'a> {
    /// When it was written; `None` where the prefix carries no time.
    pub time: Option<Micros>,
    /// Process that wrote it; 0 when not told.
    pub pid: u32,
    /// Session id (`%c`).
    pub session: &'a [u8],
    /// User.
    pub user: &'a [u8],
    /// Database.
    pub database: &'a [u8],
    /// Application name.
    pub application: &'a [u8],
    /// Address of the client, with its port where that is written.
    pub client: &'a [u8],
    /// Virtual transaction id (`%v`).
    pub virtual_xid: &'a [u8],
    /// Query id (`%Q`).
    pub query_id: &'a [u8],
    /// Kind of process (`%b`).
    pub backend_type: &'a [u8],
    /// How serious.
    pub severity: Severity,
    /// SQLSTATE, five characters.
    pub sqlstate: &'a [u8],
    /// The message; further lines of plain logs begin with a tab.
    pub message: &'a [u8],
    /// `DETAIL`.
    pub detail: &'a [u8],
    /// `HINT`.
    pub hint: &'a [u8],
    /// `CONTEXT`.
    pub context: &'a [u8],
    /// The statement that was at work.
    pub statement: &'a [u8],
    /// Bytes of the log it takes.
    pub bytes: usize,
}

/// Takes what a scanner finds.
pub trait Sink {
    /// A record.
    fn record(&mut self, record: &Record<'_>);
    /// A line that is no part of any record.
    fn unread(&mut self, line: &[u8]);
    /// A record was longer than the limit and is cut.
    fn cut(&mut self);
}

/// The text of a plain log without the tabs that mark its further lines, cut to at most `limit` bytes at a character,
/// invalid bytes replaced.
pub fn text(raw: &[u8], limit: usize) -> String {
    let is_cut = raw.len() > limit;
    let raw = &raw[..raw.len().min(limit)];
    let text = String::from_utf8_lossy(raw);
    let mut text =
        if text.contains("\n\t") { text.replace("\n\t", "\n") } else { text.into_owned() };
    while text.ends_with(['\n', '\r', ' ']) {
        text.pop();
    }
    if is_cut {
        // A character that the cut went through.
        while text.ends_with('\u{fffd}') {
            text.pop();
        }
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_lose_their_tabs_and_are_cut_at_a_character() {
        assert_eq!(text(b"select 1\n\tfrom t\n", 100), "select 1\nfrom t");
        assert_eq!(text("aä".as_bytes(), 2), "a…");
        assert_eq!(text(b"\xff", 9), "\u{fffd}");
    }
}
