//! Plain logs: a prefix, a word, a message; further lines begin with a tab.

use memchr::memchr;

use crate::{
    moment::Clock,
    prefix::{Header, Prefix, free},
    record::{Record, Sink},
    severity::{Extra, Word},
};

/// Finds the records of a plain log.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    prefix: Option<Prefix>,
    clock: Clock,
    /// The record before was cut: what follows of it is passed over.
    passing: Passing,
}

/// What of a cut record still comes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Passing {
    #[default]
    Nothing,
    /// The rest of a line, then further lines.
    Line,
    /// Further lines.
    Lines,
}

/// A record whose end is not known yet, as places in the buffer.
#[derive(Clone, Copy)]
struct Open<'a> {
    fields: Record<'a>,
    start: usize,
    message: Span,
    detail: Span,
    hint: Span,
    context: Span,
    statement: Span,
    /// What is read past.
    other: Span,
    /// The part that further lines belong to.
    last: Option<Extra>,
}

type Span = (usize, usize);

impl Scanner {
    /// A scanner for one prefix; lines with other prefixes are read as far as they can be.
    pub(crate) fn new(prefix: Option<Prefix>) -> Self {
        Self { prefix, ..Self::default() }
    }

    /// The prefix.
    pub(crate) fn prefix(&self) -> Option<&Prefix> {
        self.prefix.as_ref()
    }

    /// The clock, for what it could not read.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What was given last was cut within a record.
    pub(crate) fn pass_rest(&mut self, ends_line: bool) {
        self.passing = if ends_line { Passing::Lines } else { Passing::Line };
    }

    /// Gives the records of a buffer to a sink; returns how many bytes are done with. At the end of the input
    /// everything is.
    pub(crate) fn scan(&mut self, buffer: &[u8], is_end: bool, sink: &mut impl Sink) -> usize {
        let mut line = 0;
        let mut open: Option<Open<'_>> = None;
        if self.passing == Passing::Line {
            match memchr(b'\n', buffer) {
                Some(end) => line = end + 1,
                None => return buffer.len(),
            }
            self.passing = Passing::Lines;
        }
        while line < buffer.len() {
            let (end, next) = match memchr(b'\n', &buffer[line..]) {
                Some(len) => (line + len, line + len + 1),
                None if is_end => (buffer.len(), buffer.len()),
                None => break,
            };
            self.line(buffer, (line, end), &mut open, sink);
            line = next;
        }
        match open {
            Some(open) if !is_end => open.start,
            Some(open) => {
                open.give(buffer, line, sink);
                buffer.len()
            }
            None => line,
        }
    }

    #[inline]
    fn line<'a>(
        &mut self,
        buffer: &'a [u8],
        (start, end): Span,
        open: &mut Option<Open<'a>>,
        sink: &mut impl Sink,
    ) {
        let end = if end > start && buffer[end - 1] == b'\r' { end - 1 } else { end };
        let text = &buffer[start..end];
        if text.first() == Some(&b'\t') {
            match open {
                Some(open) => open.part().1 = end,
                None if self.passing == Passing::Lines => {}
                None => sink.unread(text),
            }
            return;
        }
        let Some(header) = self.header(text) else {
            if !text.is_empty() {
                sink.unread(text);
            }
            return;
        };
        self.passing = Passing::Nothing;
        let body = (start + header.message, end);
        match header.word {
            Word::Record(severity) => {
                if let Some(done) = open.take() {
                    done.give(buffer, start, sink);
                }
                let fields = Record { severity, ..header.fields };
                *open = Some(Open::new(fields, start, body));
            }
            Word::Extra(extra) => match open {
                Some(open) if open.fields.pid == header.fields.pid => open.extra(extra, body),
                _ => sink.unread(text),
            },
        }
    }

    #[inline]
    fn header<'a>(&mut self, line: &'a [u8]) -> Option<Header<'a>> {
        let by_prefix = self.prefix.as_ref().and_then(|prefix| prefix.read(line, &mut self.clock));
        by_prefix.or_else(|| free(line, &mut self.clock))
    }
}

impl<'a> Open<'a> {
    fn new(fields: Record<'a>, start: usize, message: Span) -> Self {
        let none = (0, 0);
        Self {
            fields,
            start,
            message,
            detail: none,
            hint: none,
            context: none,
            statement: none,
            other: none,
            last: None,
        }
    }

    fn part(&mut self) -> &mut Span {
        match self.last {
            None => &mut self.message,
            Some(Extra::Detail) => &mut self.detail,
            Some(Extra::Hint) => &mut self.hint,
            Some(Extra::Statement) => &mut self.statement,
            Some(Extra::Context) => &mut self.context,
            Some(Extra::Other) => &mut self.other,
        }
    }

    fn extra(&mut self, extra: Extra, span: Span) {
        self.last = Some(extra);
        *self.part() = span;
    }

    fn give(self, buffer: &'a [u8], end: usize, sink: &mut impl Sink) {
        let part = |(from, to): Span| &buffer[from..to];
        sink.record(&Record {
            message: part(self.message),
            detail: part(self.detail),
            hint: part(self.hint),
            context: part(self.context),
            statement: part(self.statement),
            bytes: end - self.start,
            ..self.fields
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seen;

    const LOG: &str = "\
\tlost beginning
2024-05-01 12:00:00.000 UTC [1] LOG:  duration: 1.5 ms  statement: select 1
\tfrom t
2024-05-01 12:00:00.001 UTC [2] ERROR:  relation \"x\" does not exist at character 15
2024-05-01 12:00:00.001 UTC [2] HINT:  look
2024-05-01 12:00:00.001 UTC [2] STATEMENT:  select *
\tfrom x
rubbish
2024-05-01 12:00:00.001 UTC [3] DETAIL:  of nobody
2024-05-01 12:00:01 UTC [4] joe@app FATAL:  another prefix\r
";

    fn expected() -> [&'static str; 3] {
        [
            "1 LOG duration: 1.5 ms  statement: select 1\n\tfrom t||",
            "2 ERROR relation \"x\" does not exist at character 15||select *\n\tfrom x",
            "4 FATAL another prefix||",
        ]
    }

    #[test]
    fn records_of_any_number_of_lines_are_found() {
        let mut seen = Seen::default();
        let mut scanner = Scanner::new(Some(Prefix::compile("%m [%p] ").unwrap()));
        assert_eq!(scanner.scan(LOG.as_bytes(), true, &mut seen), LOG.len());
        assert_eq!(seen.records, expected());
        assert_eq!(seen.unread, 3);
    }

    #[test]
    fn a_buffer_may_end_anywhere() {
        for cut in 0..LOG.len() {
            let mut seen = Seen::default();
            let mut scanner = Scanner::new(Some(Prefix::compile("%m [%p] ").unwrap()));
            let done = scanner.scan(&LOG.as_bytes()[..cut], false, &mut seen);
            scanner.scan(&LOG.as_bytes()[done..], true, &mut seen);
            assert_eq!(seen.records, expected(), "cut at {cut}");
        }
    }

    #[test]
    fn the_rest_of_a_cut_record_is_passed_over() {
        let mut seen = Seen::default();
        let mut scanner = Scanner::new(None);
        scanner.pass_rest(false);
        assert_eq!(scanner.scan(b"rest of a line", false, &mut seen), 14);
        let rest = b"end\n\tmore\n2024-05-01 12:00:00 UTC [1] LOG:  next\n";
        scanner.scan(rest, true, &mut seen);
        assert_eq!((seen.records, seen.unread), (vec!["1 LOG next||".to_owned()], 0));
    }
}
