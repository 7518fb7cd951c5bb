//! `csvlog`: one row for a record, with 23 columns (13), 24 (13 with backend type) to 26 (14 and later).

use memchr::{memchr, memchr2};

use crate::{
    moment::Clock,
    prefix::number,
    record::{Record, Sink},
    severity::Severity,
};

/// Columns of the widest row.
const COLUMNS: usize = 26;
/// Columns of the narrowest row that is taken for one.
const LEAST_COLUMNS: usize = 22;

/// Finds the records of a csvlog.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    clock: Clock,
    scratch: Vec<u8>,
    is_passing: bool,
}

/// A column: where its content lies, and whether quotes are doubled in it.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    from: usize,
    to: usize,
    is_doubled: bool,
}

struct Row {
    columns: [Column; COLUMNS],
    len: usize,
}

enum Found {
    /// The row ends here.
    Whole(usize),
    /// The buffer ends within the row.
    Part,
    /// This is no row.
    Broken,
}

impl Scanner {
    /// The clock, for what it could not read.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What was given last was cut within a record.
    pub(crate) fn pass_rest(&mut self) {
        self.is_passing = true;
    }

    /// Gives the records of a buffer to a sink; returns how many bytes are done with. At the end of the input
    /// everything is.
    pub(crate) fn scan(&mut self, buffer: &[u8], is_end: bool, sink: &mut impl Sink) -> usize {
        let mut at = 0;
        let mut row = Row { columns: [Column::default(); COLUMNS], len: 0 };
        while at < buffer.len() {
            if self.is_passing {
                match next_row(buffer, at) {
                    Some(start) => at = start,
                    None => return if is_end { buffer.len() } else { last_line(buffer, at) },
                }
                self.is_passing = false;
            }
            match row.read(buffer, at, is_end) {
                Found::Whole(end) if self.give(buffer, at, end, &row, sink) => at = end,
                Found::Part if !is_end => return at,
                Found::Whole(_) | Found::Part | Found::Broken => {
                    let Some(next) = resume(buffer, at, is_end, sink) else { return at };
                    at = next;
                }
            }
        }
        buffer.len()
    }

    #[inline]
    fn give(
        &mut self,
        buffer: &[u8],
        start: usize,
        end: usize,
        row: &Row,
        sink: &mut impl Sink,
    ) -> bool {
        if row.len < LEAST_COLUMNS {
            return false;
        }
        let raw = |place: usize| {
            let column = row.columns[place];
            &buffer[column.from..column.to]
        };
        let (Some((time, _)), Some(severity)) = (self.clock.read(raw(0)), Severity::of(raw(11)))
        else {
            return false;
        };
        self.scratch.clear();
        let mut plain = [(0, 0); 5];
        for (place, kept) in [13, 14, 15, 18, 19].into_iter().zip(&mut plain) {
            if row.columns[place].is_doubled {
                let from = self.scratch.len();
                undouble(raw(place), &mut self.scratch);
                *kept = (from, self.scratch.len());
            }
        }
        let text = |place: usize, kept: (usize, usize)| {
            if row.columns[place].is_doubled { &self.scratch[kept.0..kept.1] } else { raw(place) }
        };
        let optional = |place: usize| if place < row.len { raw(place) } else { b"" };
        let application = optional(22);
        sink.record(&Record {
            time: Some(time),
            pid: number(raw(3)).unwrap_or(0),
            session: raw(5),
            user: raw(1),
            database: raw(2),
            application: if application == b"[unknown]" { b"" } else { application },
            client: raw(4),
            virtual_xid: raw(9),
            query_id: optional(25),
            backend_type: optional(23),
            severity,
            sqlstate: raw(12),
            message: text(13, plain[0]),
            detail: text(14, plain[1]),
            hint: text(15, plain[2]),
            context: text(18, plain[3]),
            statement: text(19, plain[4]),
            bytes: end - start,
        });
        true
    }
}

impl Row {
    /// Reads the columns of one row.
    #[inline]
    fn read(&mut self, buffer: &[u8], start: usize, is_end: bool) -> Found {
        self.len = 0;
        let mut at = start;
        loop {
            if self.len == COLUMNS {
                return Found::Broken;
            }
            let column = if buffer.get(at) == Some(&b'"') {
                match quoted(buffer, at + 1) {
                    Some(column) => column,
                    None => return Found::Part,
                }
            } else {
                let Some(rest) = buffer.get(at..) else { return Found::Part };
                match memchr2(b',', b'\n', rest) {
                    Some(len) => {
                        let is_return = len > 0 && rest[len] == b'\n' && rest[len - 1] == b'\r';
                        let to = at + len - usize::from(is_return);
                        Column { from: at, to, is_doubled: false }
                    }
                    None if is_end => Column { from: at, to: buffer.len(), is_doubled: false },
                    None => return Found::Part,
                }
            };
            self.columns[self.len] = column;
            self.len += 1;
            let is_quoted = buffer.get(at) == Some(&b'"');
            at = column.to + usize::from(is_quoted);
            match (buffer.get(at), buffer.get(at + 1)) {
                (Some(b','), _) => at += 1,
                (Some(b'\n'), _) => return Found::Whole(at + 1),
                (Some(b'\r'), Some(b'\n')) => return Found::Whole(at + 2),
                (None, _) | (Some(b'\r'), None) if is_end => return Found::Whole(buffer.len()),
                (None, _) | (Some(b'\r'), None) => return Found::Part,
                _ => return Found::Broken,
            }
        }
    }
}

/// The rest of a quoted column that begins at `from`.
#[inline]
fn quoted(buffer: &[u8], from: usize) -> Option<Column> {
    let mut at = from;
    let mut is_doubled = false;
    loop {
        at += memchr(b'"', buffer.get(at..)?)?;
        if buffer.get(at + 1) != Some(&b'"') {
            return Some(Column { from, to: at, is_doubled });
        }
        is_doubled = true;
        at += 2;
    }
}

fn undouble(raw: &[u8], into: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr(b'"', rest) {
        into.extend_from_slice(&rest[..=at]);
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    into.extend_from_slice(rest);
}

/// Tells lines that are no rows, up to where a row begins again; `None`: more of the input is needed.
fn resume(buffer: &[u8], start: usize, is_end: bool, sink: &mut impl Sink) -> Option<usize> {
    let mut at = start;
    loop {
        let (line, next) = match memchr(b'\n', &buffer[at..]) {
            Some(len) => (&buffer[at..at + len], at + len + 1),
            None if is_end => (&buffer[at..], buffer.len()),
            None => return (at > start).then_some(at),
        };
        sink.unread(line);
        at = next;
        if at >= buffer.len() || begins_row(&buffer[at..]) {
            return Some(at);
        }
    }
}

fn begins_row(text: &[u8]) -> bool {
    let shape = |place: usize, sign: u8| text.get(place) == Some(&sign);
    text.first().is_some_and(u8::is_ascii_digit)
        && shape(4, b'-')
        && shape(7, b'-')
        && shape(10, b' ')
        && shape(13, b':')
        && shape(16, b':')
}

fn next_row(buffer: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(len) = memchr(b'\n', &buffer[at..]) {
        at += len + 1;
        if begins_row(&buffer[at..]) {
            return Some(at);
        }
    }
    None
}

/// Where the last line begins, if it is short enough to be the beginning of a row.
fn last_line(buffer: &[u8], from: usize) -> usize {
    let start = memchr::memrchr(b'\n', &buffer[from..]).map_or(from, |at| from + at);
    if buffer.len() - start < 64 { start } else { buffer.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seen;

    const LOG: &str = concat!(
        "2024-05-01 12:00:00.123 UTC,\"joe\",\"app\",77,\"10.0.0.1:5533\",66.4d,3,\"SELECT\",",
        "2024-05-01 11:00:00 UTC,3/7,0,LOG,00000,\"duration: 1.5 ms  statement: select \"\"A\"\"\n",
        "from t\",,,,,,,,,\"psql\",\"client backend\",,4711\n",
        "2024-05-01 12:00:01.123 UTC,,,78,,66.4e,1,,2024-05-01 11:00:00 UTC,,0,LOG,00000,\"hi\",,,,,,,,,\"\"\r\n",
    );

    fn expected() -> [&'static str; 2] {
        ["77 LOG duration: 1.5 ms  statement: select \"A\"\nfrom t||", "78 LOG hi||"]
    }

    fn scan(parts: &[&[u8]]) -> Seen {
        let mut seen = Seen::default();
        let mut scanner = Scanner::default();
        let mut left = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            left.extend_from_slice(part);
            let done = scanner.scan(&left, place + 1 == parts.len(), &mut seen);
            left.drain(..done);
        }
        seen
    }

    #[test]
    fn rows_of_all_widths_are_read() {
        let seen = scan(&[LOG.as_bytes()]);
        assert_eq!(seen.records, expected());
        assert_eq!(seen.unread, 0);
    }

    #[test]
    fn a_buffer_may_end_anywhere() {
        for cut in 0..LOG.len() {
            let seen = scan(&[&LOG.as_bytes()[..cut], &LOG.as_bytes()[cut..]]);
            assert_eq!(seen.records, expected(), "cut at {cut}");
            assert_eq!(seen.unread, 0, "cut at {cut}");
        }
    }

    #[test]
    fn a_row_that_was_cut_costs_itself_alone() {
        let cut =
            "2024-05-01 12:00:00.123 UTC,\"joe\",\"app\",77,\"10.0.0.1:5533\",66.4d,3,\"SEL\n";
        let log = format!("{cut}{LOG}\u{0}rub,bish\n{LOG}");
        let seen = scan(&[log.as_bytes()]);
        let [a, b] = expected();
        assert_eq!(seen.records, [a, b, a, b]);
        assert_eq!(seen.unread, 2);
    }

    #[test]
    fn after_a_cut_record_the_next_row_is_found() {
        let mut seen = Seen::default();
        let mut scanner = Scanner::default();
        scanner.pass_rest();
        scanner.scan(format!("rest\",,,\n{LOG}").as_bytes(), true, &mut seen);
        assert_eq!(seen.records, expected());
    }
}
