//! Logs through a syslog daemon: each line is a numbered piece (`[3-1]`) of a record, pieces of several processes mixed.

use std::collections::VecDeque;

use memchr::{memchr, memmem};

use crate::{
    lines::Passing,
    moment::{Clock, HOUR, Micros, SECOND, days, iso, year_of},
    prefix::{Prefix, free, number},
    record::{Record, Sink},
    severity::Word,
    stderr,
};

/// Processes whose records may be open at once; the oldest is closed for a further one.
const OPEN: usize = 256;
/// Bytes of one record that are kept.
const RECORD: usize = 1 << 20;

/// Finds the records of a syslog.
#[derive(Debug)]
pub(crate) struct Scanner {
    plain: stderr::Scanner,
    prefix: Option<Prefix>,
    clock: Clock,
    /// Times without a year lie before this.
    not_after: Micros,
    open: VecDeque<Open>,
    passing: Passing,
}

/// A record of one process as far as it has come.
#[derive(Debug)]
struct Open {
    pid: u32,
    number: u32,
    time: Option<Micros>,
    text: Vec<u8>,
    bytes: usize,
    is_cut: bool,
}

/// One line.
struct Piece<'a> {
    time: Option<Micros>,
    pid: u32,
    /// Of the record and of the piece; 0 where the daemon was told to leave them out.
    number: (u32, u32),
    /// It begins with a tab, which is not part of the text.
    is_tabbed: bool,
    text: &'a [u8],
}

impl Scanner {
    /// A scanner whose messages carry this prefix behind the daemon's own.
    pub(crate) fn new(prefix: Option<Prefix>, not_after: Micros) -> Self {
        Self {
            plain: stderr::Scanner::new(prefix.clone()),
            prefix,
            clock: Clock::default(),
            not_after,
            open: VecDeque::new(),
            passing: Passing::default(),
        }
    }

    /// The clock, for what it could not read.
    pub(crate) fn clock(&self) -> &Clock {
        self.plain.clock()
    }

    /// What was given last was cut within a line.
    pub(crate) fn pass_rest(&mut self, ends_line: bool) {
        self.passing = Passing::cut(ends_line);
    }

    /// Gives the records of a buffer to a sink; returns how many bytes are done with.
    pub(crate) fn scan(&mut self, buffer: &[u8], is_end: bool, sink: &mut impl Sink) -> usize {
        let (done, passing) = self.passing.each_line(buffer, is_end, |line, bytes| {
            let line = line.trim_ascii_end();
            if let Some(piece) = piece(line, self.not_after) {
                self.take(&piece, bytes, sink);
            } else if !line.is_empty() {
                sink.unread(line);
            }
        });
        self.passing = passing;
        if is_end {
            while let Some(open) = self.open.pop_front() {
                self.close(&open, sink);
            }
        }
        done
    }

    fn take(&mut self, piece: &Piece<'_>, bytes: usize, sink: &mut impl Sink) {
        let place = self.open.iter().rposition(|open| open.pid == piece.pid);
        let is_next = |open: &Open| match piece.number {
            (0, _) => piece.is_tabbed,
            (number, part) => open.number == number && part > 1,
        };
        if let Some(open) =
            place.and_then(|place| self.open.get_mut(place)).filter(|open| is_next(open))
        {
            open.bytes += bytes;
            if open.text.len() + piece.text.len() > RECORD {
                open.is_cut = true;
                return;
            }
            if piece.is_tabbed {
                open.text.extend_from_slice(b"\n\t");
            } else if header(self.prefix.as_ref(), piece.text, &mut self.clock) {
                open.text.push(b'\n');
            }
            open.text.extend_from_slice(piece.text);
            return;
        }
        if let Some(done) = place.and_then(|place| self.open.remove(place)) {
            self.close(&done, sink);
        }
        if self.open.len() >= OPEN
            && let Some(oldest) = self.open.pop_front()
        {
            self.close(&oldest, sink);
        }
        self.open.push_back(Open {
            pid: piece.pid,
            number: piece.number.0,
            time: piece.time,
            text: piece.text.to_vec(),
            bytes,
            is_cut: false,
        });
    }

    fn close(&mut self, open: &Open, sink: &mut impl Sink) {
        if open.is_cut {
            sink.cut();
        }
        self.plain.scan(&open.text, true, &mut Fill { open, sink });
    }
}

/// Whether a line begins with a prefix and a word.
fn header(prefix: Option<&Prefix>, text: &[u8], clock: &mut Clock) -> bool {
    Word::read(text).is_some()
        || prefix.is_some_and(|prefix| prefix.read(text, clock).is_some())
        || free(text, clock).is_some()
}

/// Fills in what the daemon wrote in front.
struct Fill<'o, 's, S> {
    open: &'o Open,
    sink: &'s mut S,
}

impl<S: Sink> Sink for Fill<'_, '_, S> {
    fn record(&mut self, record: &Record<'_>) {
        let pid = if record.pid == 0 { self.open.pid } else { record.pid };
        let time = record.time.or(self.open.time);
        self.sink.record(&Record { pid, time, bytes: self.open.bytes, ..*record });
    }

    fn unread(&mut self, line: &[u8]) {
        self.sink.unread(line);
    }

    fn cut(&mut self) {
        self.sink.cut();
    }
}

/// Reads the daemon's part of a line.
fn piece(line: &[u8], not_after: Micros) -> Option<Piece<'_>> {
    let (time, rest) = front(line, not_after)?;
    let (pid, rest) = process(rest)?;
    let (number, text) = numbers(rest).unwrap_or(((0, 0), rest));
    // rsyslog writes control characters as octal numbers.
    let untabbed = text.strip_prefix(b"#011").or_else(|| text.strip_prefix(b"\t"));
    let is_tabbed = untabbed.is_some();
    Some(Piece { time: Some(time), pid, number, is_tabbed, text: untabbed.unwrap_or(text) })
}

fn front(line: &[u8], not_after: Micros) -> Option<(Micros, &[u8])> {
    let mut line = line;
    if line.first() == Some(&b'<') {
        let end = line.iter().take(6).position(|byte| *byte == b'>')?;
        line = &line[end + 1..];
        line = line.strip_prefix(b"1 ").unwrap_or(line);
    }
    if let Some((time, used)) = iso(line) {
        return Some((time, line.get(used..)?));
    }
    let time = old(line, not_after)?;
    Some((time, line.get(15..)?))
}

/// `Nov  1 23:59:59`.
fn old(line: &[u8], not_after: Micros) -> Option<Micros> {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let name = line.get(..3)?;
    let month = MONTHS.chunks(3).position(|month| month == name)?;
    let month = i64::try_from(month).ok()? + 1;
    let two = |at: usize| number(line.get(at..at + 2)?.trim_ascii_start()).map(i64::from);
    let (day, hour, minute, second) = (two(4)?, two(7)?, two(10)?, two(13)?);
    let holds = line[3] == b' ' && line[9] == b':' && line[12] == b':';
    if !holds || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let of_year =
        |year| ((days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second) * SECOND;
    let year = year_of(not_after);
    let time = of_year(year);
    // A clock may be a little ahead; a December read in January is last year's.
    Some(if time > not_after + 24 * HOUR { of_year(year - 1) } else { time })
}

/// The process id, and what stands behind `postgres[123]: ` or `postgres 123 - - `.
fn process(rest: &[u8]) -> Option<(u32, &[u8])> {
    let reach = &rest[..rest.len().min(200)];
    if let Some(end) = memmem::find(reach, b"]: ") {
        let open = memchr::memrchr(b'[', &reach[..end])?;
        return Some((number(&reach[open + 1..end])?, &rest[end + 3..]));
    }
    let mut words = reach.splitn(6, |byte| *byte == b' ').skip(3);
    let pid = number(words.next()?)?;
    let end = memmem::find(reach, b" - - ")?;
    Some((pid, &rest[end + 5..]))
}

/// `[3-1] `.
fn numbers(text: &[u8]) -> Option<((u32, u32), &[u8])> {
    let inner = text.strip_prefix(b"[")?;
    let end = memchr(b']', &inner[..inner.len().min(24)])?;
    let dash = memchr(b'-', &inner[..end])?;
    let pair = (number(&inner[..dash])?, number(&inner[dash + 1..end])?);
    let rest = &inner[end + 1..];
    Some((pair, rest.strip_prefix(b" ").unwrap_or(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seen;

    const LOG: &str = "\
Nov 21 18:00:00 db1 postgres[77]: [3-1] LOG:  duration: 1.5 ms  statement: select a,
Nov 21 18:00:00 db1 postgres[78]: [9-1] 2026-11-21 18:00:00 UTC [78] ERROR:  no such
Nov 21 18:00:00 db1 postgres[77]: [3-2]  b, c
Nov 21 18:00:00 db1 postgres[77]: [3-3] #011from t
Nov 21 18:00:00 db1 postgres[78]: [9-2] 2026-11-21 18:00:00 UTC [78] STATEMENT:  select 1
Nov 21 18:00:01 db1 cron: something else
<134>1 2026-11-21T18:00:02.5Z db1 postgres 77 - - [4-1] LOG:  done
";

    #[test]
    fn pieces_of_several_processes_are_put_together() {
        let now = days(2026, 11, 22) * 24 * HOUR;
        let mut seen = Seen::default();
        let mut scanner = Scanner::new(None, now);
        assert_eq!(scanner.scan(LOG.as_bytes(), true, &mut seen), LOG.len());
        seen.records.sort();
        assert_eq!(
            seen.records,
            [
                "77 LOG done||",
                "77 LOG duration: 1.5 ms  statement: select a, b, c\n\tfrom t||",
                "78 ERROR no such||select 1",
            ]
        );
        assert_eq!(seen.unread, 1);
    }

    #[test]
    fn a_time_without_year_lies_in_the_past() {
        let now = days(2026, 1, 2) * 24 * HOUR;
        let at = |text: &[u8]| old(text, now).map(year_of);
        assert_eq!(at(b"Dec 31 23:59:59 x"), Some(2025));
        assert_eq!(at(b"Jan  2 03:00:00 x"), Some(2026));
        assert_eq!(at(b"Foo  2 03:00:00 x"), None);
    }
}
