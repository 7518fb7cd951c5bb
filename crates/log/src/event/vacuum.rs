//! What autovacuum did.

use memchr::{memchr, memmem};

use super::{Event, millionths_behind, number_behind};

/// One vacuum of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vacuumed<'a> {
    /// `database.schema.table`.
    pub table: &'a [u8],
    /// It read every page that was not frozen.
    pub is_aggressive: bool,
    /// It ran because transaction ids run out.
    pub prevents_wraparound: bool,
    /// Times it went over the indexes.
    pub index_scans: i64,
    /// Pages of the table.
    pub pages_remain: i64,
    /// Rows removed.
    pub removed: i64,
    /// Rows left.
    pub remain: i64,
    /// Dead rows that somebody may still see.
    pub dead: i64,
    /// Microseconds.
    pub elapsed: i64,
    /// Bytes of WAL.
    pub wal_bytes: i64,
}

pub(super) fn event(message: &[u8]) -> Option<Event<'_>> {
    let rest = message.strip_prefix(b"automatic ")?;
    let open = memmem::find(rest, b" table \"")?;
    let work = &rest[..open];
    let rest = &rest[open + 8..];
    // A name may hold quotes; what follows the last one differs by version and by kind of work.
    let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
    let close = memchr::memrchr(b'"', line)?;
    let (table, body) = (&rest[..close], &rest[close..]);
    let elapsed = millionths_behind(body, b"elapsed: ").unwrap_or(0);
    if work.starts_with(b"analyze") {
        return Some(Event::Analyzed { table, micros: elapsed });
    }
    let has = |word: &[u8]| memmem::find(work, word).is_some();
    has(b"vacuum").then(|| {
        let pages = memmem::find(body, b"pages: ").map_or(&b""[..], |at| &body[at..]);
        let tuples = memmem::find(body, b"tuples: ").map_or(&b""[..], |at| &body[at..]);
        Event::Vacuumed(Vacuumed {
            table,
            is_aggressive: has(b"aggressive"),
            prevents_wraparound: has(b"wraparound"),
            index_scans: number_behind(body, b"index scans: ").unwrap_or(0),
            pages_remain: number_behind(pages, b"removed, ").unwrap_or(0),
            removed: number_behind(tuples, b"tuples: ").unwrap_or(0),
            remain: number_behind(tuples, b"removed, ").unwrap_or(0),
            dead: number_behind(tuples, b"remain, ").unwrap_or(0),
            elapsed,
            wal_bytes: wal_bytes(body),
        })
    })
}

/// `WAL usage: 3 records, 0 full page images, 567 bytes`.
fn wal_bytes(body: &[u8]) -> i64 {
    let Some(at) = memmem::find(body, b"WAL usage: ") else { return 0 };
    number_behind(&body[at..], b"images, ").unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vacuums_tell_what_they_removed() {
        let text = b"automatic aggressive vacuum to prevent wraparound of table \"app.public.t\": index scans: 1\n\tpages: 0 removed, 443 remain, 443 scanned (100.00% of total)\n\ttuples: 1000 removed, 9000 remain, 17 are dead but not yet removable\n\tremovable cutoff: 745, which was 0 XIDs old when operation ended\n\tWAL usage: 1400 records, 3 full page images, 87654 bytes\n\tsystem usage: CPU: user: 0.01 s, system: 0.00 s, elapsed: 1.25 s";
        let Some(Event::Vacuumed(done)) = event(text) else { panic!() };
        assert_eq!(done.table, b"app.public.t");
        assert!(done.is_aggressive && done.prevents_wraparound);
        assert_eq!((done.removed, done.remain, done.dead), (1000, 9000, 17));
        assert_eq!((done.elapsed, done.wal_bytes, done.pages_remain), (1_250_000, 87_654, 443));
    }

    #[test]
    fn analyzes_of_all_versions_are_read() {
        for text in [
            &b"automatic analyze of table \"app.public.t\" system usage: CPU: user: 0.01 s, system: 0.00 s, elapsed: 0.02 s"[..],
            b"automatic analyze of table \"app.public.t\"\n\tI/O timings: read: 0\n\tsystem usage: CPU: user: 0.01 s, system: 0.00 s, elapsed: 0.02 s",
        ] {
            let Some(Event::Analyzed { table, micros }) = event(text) else { panic!("{text:?}") };
            assert_eq!((table, micros), (&b"app.public.t"[..], 20_000));
        }
    }
}
