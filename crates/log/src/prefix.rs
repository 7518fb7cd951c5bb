//! What stands in front of each message of a plain log: `log_line_prefix`, compiled.

mod free;
mod usual;

pub use self::{free::free, usual::USUAL};

use memchr::memchr;

use crate::{
    moment::{Clock, Micros, SECOND},
    record::Record,
    severity::Word,
};

/// What the front of a line told.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Fields of the prefix; texts are empty.
    pub fields: Record<'a>,
    /// The word behind the prefix.
    pub word: Word,
    /// Where the message begins in the line.
    pub message: usize,
}

/// A compiled `log_line_prefix`.
#[derive(Debug, Clone)]
pub struct Prefix {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Bytes that stand in every line.
    Literal(Box<[u8]>),
    /// An escape; `true`: padded with spaces.
    Field(Field, bool),
    /// `%q`: processes without a session end here.
    SessionsOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Application,
    User,
    Database,
    Client,
    BackendType,
    Pid,
    Time,
    Epoch,
    QueryId,
    SqlState,
    Session,
    VirtualXid,
    /// A time that is not the record's own.
    OtherTime,
    /// A word nothing is read from.
    Ignored,
}

/// Why a prefix cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("log_line_prefix {prefix:?} holds %{escape}, which no PostgreSQL from 13 to 18 knows")]
pub struct UnknownEscape {
    prefix: String,
    escape: char,
}

/// How far into a line a field is looked for.
const REACH: usize = 1024;

impl Prefix {
    /// Compiles the value of `log_line_prefix`.
    pub fn compile(prefix: &str) -> Result<Self, UnknownEscape> {
        let mut steps = Vec::new();
        let mut literal = Vec::new();
        let mut signs = prefix.chars();
        while let Some(sign) = signs.next() {
            if sign != '%' {
                literal.extend_from_slice(sign.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            let mut is_padded = false;
            let escape = loop {
                match signs.next() {
                    Some('-' | '0'..='9') => is_padded = true,
                    other => break other.unwrap_or('%'),
                }
            };
            if escape == '%' {
                literal.push(b'%');
                continue;
            }
            let step = if escape == 'q' {
                Step::SessionsOnly
            } else {
                let unknown = || UnknownEscape { prefix: prefix.to_owned(), escape };
                Step::Field(field(escape).ok_or_else(unknown)?, is_padded)
            };
            if !literal.is_empty() {
                steps.push(Step::Literal(std::mem::take(&mut literal).into()));
            }
            steps.push(step);
        }
        if !literal.is_empty() {
            steps.push(Step::Literal(literal.into()));
        }
        Ok(Self { text: prefix.to_owned(), steps })
    }

    /// The prefix as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many useful fields it has.
    pub fn richness(&self) -> usize {
        let is_useful =
            |step: &&Step| matches!(step, Step::Field(field, _) if *field != Field::Ignored);
        self.steps.iter().filter(is_useful).count()
    }

    /// Reads the front of a line.
    #[inline]
    pub fn read<'a>(&self, line: &'a [u8], clock: &mut Clock) -> Option<Header<'a>> {
        let mut fields = Record::default();
        let mut at = 0;
        for (place, step) in self.steps.iter().enumerate() {
            match step {
                Step::Literal(literal) => {
                    if !line.get(at..)?.starts_with(literal) {
                        return None;
                    }
                    at += literal.len();
                }
                Step::SessionsOnly => {
                    if let Some((word, len)) = Word::read(&line[at..]) {
                        return Some(Header { fields, word, message: at + len });
                    }
                }
                Step::Field(field, is_padded) => {
                    if *is_padded {
                        at += spaces(&line[at..]);
                    }
                    let next = self.steps.get(place + 1);
                    at += read_field(*field, &line[at..], next, clock, &mut fields)?;
                    if *is_padded && !next.is_some_and(begins_with_space) {
                        at += spaces(&line[at..]);
                    }
                }
            }
        }
        let (word, len) = Word::read(line.get(at..)?)?;
        Some(Header { fields, word, message: at + len })
    }
}

fn begins_with_space(step: &Step) -> bool {
    matches!(step, Step::Literal(literal) if literal.first() == Some(&b' '))
}

fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b' ').count()
}

fn field(escape: char) -> Option<Field> {
    Some(match escape {
        'a' => Field::Application,
        'u' => Field::User,
        'd' => Field::Database,
        'r' | 'h' => Field::Client,
        'b' => Field::BackendType,
        'p' => Field::Pid,
        't' | 'm' => Field::Time,
        'n' => Field::Epoch,
        'Q' => Field::QueryId,
        'e' => Field::SqlState,
        'c' => Field::Session,
        'v' => Field::VirtualXid,
        's' => Field::OtherTime,
        'P' | 'i' | 'l' | 'L' | 'x' => Field::Ignored,
        _ => return None,
    })
}

/// Reads one field; gives how many bytes it took.
#[inline]
fn read_field<'a>(
    field: Field,
    text: &'a [u8],
    next: Option<&Step>,
    clock: &mut Clock,
    fields: &mut Record<'a>,
) -> Option<usize> {
    match field {
        Field::Time => {
            let (time, len) = clock.read(text)?;
            fields.time = Some(time);
            Some(len)
        }
        Field::OtherTime => clock.clone().read(text).map(|(_, len)| len),
        Field::Epoch => {
            let (time, len) = epoch(text)?;
            fields.time = Some(time);
            Some(len)
        }
        Field::Pid => {
            let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            fields.pid = number(&text[..len])?;
            Some(len)
        }
        _ => {
            let len = end_of(text, next)?;
            let value = trimmed(&text[..len]);
            if !fits(field, value) {
                return None;
            }
            match field {
                Field::Application => fields.application = value,
                Field::User => fields.user = value,
                Field::Database => fields.database = value,
                Field::Client => fields.client = value,
                Field::BackendType => fields.backend_type = value,
                Field::QueryId => fields.query_id = value,
                Field::SqlState => fields.sqlstate = value,
                Field::Session => fields.session = value,
                Field::VirtualXid => fields.virtual_xid = value,
                _ => {}
            }
            Some(len)
        }
    }
}

/// Whether a value can be what the field holds: else the line is of another prefix.
#[inline]
fn fits(field: Field, value: &[u8]) -> bool {
    match field {
        Field::VirtualXid => value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'/'),
        Field::Session => value.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'.'),
        Field::QueryId => value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'),
        Field::SqlState => value.iter().all(u8::is_ascii_alphanumeric),
        _ => true,
    }
}

fn trimmed(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    // `[unknown]` in any language; `[local]` is an address.
    let is_unknown = value.starts_with(b"[") && value.ends_with(b"]") && value != b"[local]";
    if is_unknown { b"" } else { value }
}

/// Where a field of free text ends: at the literal behind it.
#[inline]
fn end_of(text: &[u8], next: Option<&Step>) -> Option<usize> {
    let reach = &text[..text.len().min(REACH)];
    let Some(Step::Literal(literal)) = next else {
        let end = reach.iter().position(|byte| *byte == b' ' || *byte == b':');
        return Some(end.unwrap_or(reach.len()));
    };
    let first = *literal.first()?;
    let mut at = 0;
    loop {
        at += memchr(first, &reach[at..])?;
        if text[at..].starts_with(literal) {
            return Some(at);
        }
        at += 1;
    }
}

/// A decimal number; `None` for none, and for what is too large.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 10 {
        return None;
    }
    let number = digits.iter().try_fold(0_u64, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
    })?;
    u32::try_from(number).ok()
}

/// `1700000000.123`.
pub(crate) fn epoch(text: &[u8]) -> Option<(Micros, usize)> {
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(9..=11).contains(&whole) {
        return None;
    }
    let digits = |range: &[u8]| {
        range.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'))
    };
    let mut time = digits(&text[..whole]) * SECOND;
    let mut end = whole;
    if text.get(end) == Some(&b'.') {
        let rest = &text[end + 1..];
        let len = rest.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        let scale = 10_i64.pow(6 - u32::try_from(len).unwrap_or(6));
        time += digits(&rest[..len]) * scale;
        end += 1 + len;
    }
    Some((time, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::severity::Severity;

    #[test]
    fn a_line_with_other_fields_is_of_another_prefix() {
        let line = b"2024-05-01 12:00:00.000 UTC [77] 6740abcd.7b 3/0 -12 joe@app/psql LOG:  x";
        let reads = |prefix: &str| {
            let prefix = Prefix::compile(prefix).unwrap();
            prefix.read(line, &mut Clock::default()).is_some()
        };
        assert!(reads("%m [%p] %c %v %Q %q%u@%d/%a "));
        assert!(!reads("%m [%p] %v %q%u@%d/%a "));
    }

    fn read(prefix: &str, line: &str) -> Option<String> {
        let header =
            Prefix::compile(prefix).unwrap().read(line.as_bytes(), &mut Clock::default())?;
        assert_eq!(header.word, Word::Record(Severity::Log));
        let fields = header.fields;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some(format!(
            "{}|{}|{}|{}|{}|{}|{}",
            fields.time.map_or(0, |time| time / SECOND),
            fields.pid,
            text(fields.user),
            text(fields.database),
            text(fields.application),
            text(fields.client),
            text(&line.as_bytes()[header.message..])
        ))
    }

    #[test]
    fn prefixes_of_the_field_are_read() {
        let time = "2024-05-01 12:00:00 UTC";
        for (prefix, front, expected) in [
            ("%m [%p] ", format!("{time} [77] "), "1714564800|77||||"),
            ("%m [%p] %q%u@%d ", format!("{time} [77] joe@app "), "1714564800|77|joe|app||"),
            ("%m [%p] %q%u@%d ", format!("{time} [77] "), "1714564800|77||||"),
            (
                "%t:%r:%u@%d:[%p]:",
                format!("{time}:10.0.0.1(5533):joe@app:[77]:"),
                "1714564800|77|joe|app||10.0.0.1(5533)",
            ),
            ("%t:%r:%u@%d:[%p]:", format!("{time}::@:[77]:"), "1714564800|77||||"),
            (
                "%m [%p]: [%l-1] db=%d,user=%u ",
                format!("{time} [77]: [3-1] db=app,user=joe "),
                "1714564800|77|joe|app||",
            ),
            (
                "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
                format!("{time} [77]: user=joe,db=app,app=psql - x,client=::1 "),
                "1714564800|77|joe|app|psql - x|::1",
            ),
            (
                "%n %-8p|%10u| ",
                "1714564800.500 77      |       joe| ".into(),
                "1714564800|77|joe|||",
            ),
            ("%c %s %v %x %e 100%% ", format!("65.4d {time} 3/7 0 00000 100% "), "0|0||||"),
            ("", String::new(), "0|0||||"),
        ] {
            let read = read(prefix, &format!("{front}LOG:  hello"));
            assert_eq!(read.as_deref(), Some(format!("{expected}|hello").as_str()), "{prefix}");
        }
    }

    #[test]
    fn other_lines_are_refused() {
        assert_eq!(read("%m [%p] ", "\tfrom t"), None);
        assert_eq!(read("%m [%p] ", "2024-05-01 12:00:00 UTC [77] hello"), None);
        assert_eq!(read("%m [%p] ", "2024-05-01 12:00"), None);
        let unknown = Prefix::compile("%m %y").unwrap_err().to_string();
        assert!(unknown.contains("%y"), "{unknown}");
    }
}
