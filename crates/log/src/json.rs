//! `jsonlog` (15 and later), also inside the envelope that Kubernetes operators put around it: one object a line.

use memchr::{memchr, memchr2};

use crate::{
    lines::Passing,
    moment::Clock,
    prefix::number,
    record::{Record, Sink},
    severity::Severity,
};

/// Finds the records of a jsonlog.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    clock: Clock,
    scratch: Vec<u8>,
    passing: Passing,
}

/// A string as it stands between its quotes.
#[derive(Debug, Clone, Copy, Default)]
struct Text<'a> {
    raw: &'a [u8],
    is_escaped: bool,
}

/// The fields of one object.
#[derive(Default)]
struct Object<'a> {
    fields: Record<'a>,
    time: &'a [u8],
    severity: &'a [u8],
    message: Text<'a>,
    detail: Text<'a>,
    hint: Text<'a>,
    context: Text<'a>,
    statement: Text<'a>,
}

impl Scanner {
    /// The clock, for what it could not read.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What was given last was cut within a record.
    pub(crate) fn pass_rest(&mut self, ends_line: bool) {
        self.passing = Passing::cut(ends_line);
    }

    /// Gives the records of a buffer to a sink; returns how many bytes are done with. At the end of the input
    /// everything is.
    pub(crate) fn scan(&mut self, buffer: &[u8], is_end: bool, sink: &mut impl Sink) -> usize {
        let (done, passing) = self.passing.each_line(buffer, is_end, |line, bytes| {
            let line = line.trim_ascii();
            if !line.is_empty() && self.line(line, bytes, sink).is_none() {
                sink.unread(line);
            }
        });
        self.passing = passing;
        done
    }

    fn line(&mut self, line: &[u8], bytes: usize, sink: &mut impl Sink) -> Option<()> {
        let object = Object::read(line)?;
        let (time, _) = self.clock.read(object.time)?;
        let severity = Severity::of(object.severity)?;
        self.scratch.clear();
        let texts = [object.message, object.detail, object.hint, object.context, object.statement];
        let mut plain = [(0, 0); 5];
        for (text, kept) in texts.iter().zip(&mut plain) {
            if text.is_escaped {
                let from = self.scratch.len();
                unescape(text.raw, &mut self.scratch);
                *kept = (from, self.scratch.len());
            }
        }
        let text = |place: usize| {
            let (from, to) = plain[place];
            if texts[place].is_escaped { &self.scratch[from..to] } else { texts[place].raw }
        };
        sink.record(&Record {
            time: Some(time),
            severity,
            message: text(0),
            detail: text(1),
            hint: text(2),
            context: text(3),
            statement: text(4),
            bytes,
            ..object.fields
        });
        Some(())
    }
}

impl<'a> Object<'a> {
    /// Reads the fields of an object and of objects within it.
    fn read(line: &'a [u8]) -> Option<Self> {
        let mut object = Self::default();
        if line.first() != Some(&b'{') {
            return None;
        }
        let mut at = 1;
        loop {
            match line.get(at) {
                Some(b'{' | b'}' | b',' | b' ' | b'\t') => at += 1,
                Some(b'"') => {
                    let (key, end) = string(line, at + 1)?;
                    at = end;
                    while line.get(at).is_some_and(|byte| matches!(byte, b':' | b' ')) {
                        at += 1;
                    }
                    if line.get(at) == Some(&b'"') {
                        let (value, end) = string(line, at + 1)?;
                        object.set(key.raw, value);
                        at = end;
                    } else if line.get(at) != Some(&b'{') {
                        let len = memchr2(b',', b'}', line.get(at..)?)?;
                        object.set(key.raw, Text { raw: &line[at..at + len], is_escaped: false });
                        at += len;
                    }
                }
                None => return Some(object),
                Some(_) => return None,
            }
        }
    }

    fn set(&mut self, key: &[u8], value: Text<'a>) {
        let raw = value.raw;
        match key {
            b"timestamp" | b"log_time" => self.time = raw,
            b"error_severity" => self.severity = raw,
            b"message" => self.message = value,
            b"detail" => self.detail = value,
            b"hint" => self.hint = value,
            b"context" => self.context = value,
            b"statement" | b"query" => self.statement = value,
            b"pid" | b"process_id" => self.fields.pid = number(raw).unwrap_or(0),
            b"user" | b"user_name" => self.fields.user = raw,
            b"dbname" | b"database_name" => self.fields.database = raw,
            b"application_name" if raw != b"[unknown]" => self.fields.application = raw,
            b"remote_host" | b"connection_from" => self.fields.client = raw,
            b"session_id" => self.fields.session = raw,
            b"vxid" | b"virtual_transaction_id" => self.fields.virtual_xid = raw,
            b"state_code" | b"sql_state_code" => self.fields.sqlstate = raw,
            b"query_id" => self.fields.query_id = raw,
            b"backend_type" => self.fields.backend_type = raw,
            _ => {}
        }
    }
}

/// The rest of a string that begins at `from`, and the place behind its quote.
#[inline]
fn string(line: &[u8], from: usize) -> Option<(Text<'_>, usize)> {
    let mut at = from;
    let mut is_escaped = false;
    loop {
        at += memchr2(b'"', b'\\', line.get(at..)?)?;
        if line[at] == b'"' {
            return Some((Text { raw: &line[from..at], is_escaped }, at + 1));
        }
        is_escaped = true;
        at += 2;
    }
}

pub(crate) fn unescape(raw: &[u8], into: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr(b'\\', rest) {
        into.extend_from_slice(&rest[..at]);
        let used = match rest.get(at + 1) {
            Some(b'u') => unicode(&rest[at..], into),
            Some(sign) => {
                into.push(match sign {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' => 8,
                    b'f' => 12,
                    other => *other,
                });
                2
            }
            None => 1,
        };
        rest = rest.get(at + used..).unwrap_or_default();
    }
    into.extend_from_slice(rest);
}

/// `\u00e4`, or a pair of them; gives how many bytes it took.
fn unicode(text: &[u8], into: &mut Vec<u8>) -> usize {
    let unit = |from: usize| {
        let digits = text.get(from..from + 4)?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let Some(first) = unit(2) else { return 2 };
    let second = (text.get(6..8) == Some(b"\\u")).then(|| unit(8)).flatten();
    let (code, used) = match (first, second) {
        (0xD800..0xDC00, Some(low @ 0xDC00..0xE000)) => {
            (0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12)
        }
        _ => (first, 6),
    };
    let sign = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    into.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seen;

    const LINE: &str = concat!(
        r#"{"timestamp":"2024-05-01 12:00:00.123 UTC","user":"joe","dbname":"app","pid":77,"#,
        r#""error_severity":"ERROR","state_code":"42P01","message":"no \"x\"\u00e4\ud83d\ude00","#,
        r#""statement":"select *\n\tfrom x","cursor_position":15,"query_id":0}"#,
        "\n",
    );

    #[test]
    fn objects_are_read_also_in_an_envelope() {
        let inner = LINE
            .trim()
            .replace("timestamp", "log_time")
            .replace("\"pid\":77", "\"process_id\":\"77\"");
        let log = format!(
            "{LINE}not json\n{{\"level\":\"info\",\"record\":{inner},\"logger\":\"postgres\"}}\n{{\"level\":\"info\"}}\n"
        );
        let mut seen = Seen::default();
        assert_eq!(Scanner::default().scan(log.as_bytes(), true, &mut seen), log.len());
        let expected = "77 ERROR no \"x\"ä😀||select *\n\tfrom x";
        assert_eq!(seen.records, [expected, expected]);
        assert_eq!(seen.unread, 2);
    }

    #[test]
    fn a_cut_line_waits_for_its_rest() {
        let mut seen = Seen::default();
        assert_eq!(Scanner::default().scan(&LINE.as_bytes()[..90], false, &mut seen), 0);
        assert_eq!(Scanner::default().scan(&LINE.as_bytes()[..90], true, &mut seen), 90);
        assert_eq!((seen.records.len(), seen.unread), (0, 1));
    }
}
