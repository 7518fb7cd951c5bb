//! What a record says happened.

mod checkpoint;
mod duration;
mod lock;
mod session;
mod trouble;
mod vacuum;

pub use self::{
    checkpoint::{Cause, CheckpointDone},
    duration::Phase,
    lock::{Party, Wait, parties},
    session::Identity,
    trouble::{IncidentKind, class_of, incident},
    vacuum::Vacuumed,
};

use crate::{language, record::Record, severity::Severity};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A statement, or a phase of one, ended.
    Timed {
        /// Which phase.
        phase: Phase,
        /// How long it took, in microseconds.
        micros: i64,
        /// The statement.
        text: &'a [u8],
    },
    /// A duration without a text: of the statement this session named last.
    Duration(i64),
    /// A statement was named, and may get a duration later.
    Started(&'a [u8]),
    /// A plan was logged.
    Planned {
        /// How long the statement took, in microseconds.
        micros: i64,
        /// The statement, as it stands in the plan's format.
        text: &'a [u8],
        /// Whether the text is escaped as in JSON.
        is_json: bool,
        /// The whole plan.
        plan: &'a [u8],
    },
    /// A wait for a lock has lasted longer than `deadlock_timeout`, or ended.
    Waited(Wait<'a>),
    /// A deadlock was broken; the parties stand in the detail.
    Deadlock,
    /// A temporary file was removed.
    TempFile(i64),
    /// A checkpoint or restartpoint began.
    CheckpointStarted(Cause),
    /// One ended.
    CheckpointDone(CheckpointDone),
    /// They come too often: seconds apart.
    CheckpointsTooFrequent(f64),
    /// Autovacuum vacuumed a table.
    Vacuumed(Vacuumed<'a>),
    /// Autovacuum analysed a table, in microseconds.
    Analyzed {
        /// `database.schema.table`.
        table: &'a [u8],
        /// How long it took, in microseconds.
        micros: i64,
    },
    /// A client connected; its address.
    Connected(&'a [u8]),
    /// A client was let in.
    Authorized(Identity<'a>),
    /// A session ended, in microseconds.
    Disconnected(i64),
    /// A client went away without a word.
    Lost,
    /// Something befell the server.
    Incident(IncidentKind),
    /// A warning or an error.
    Failed,
    /// Nothing that is counted by itself.
    Other,
}

/// The event of a record.
#[inline]
pub fn of<'a>(record: &Record<'a>) -> Event<'a> {
    let message = record.message;
    match record.severity {
        Severity::Log => log(message),
        Severity::Warning | Severity::Error | Severity::Fatal | Severity::Panic => {
            if message.starts_with(b"deadlock detected") || record.sqlstate == b"40P01" {
                return Event::Deadlock;
            }
            Event::Failed
        }
        _ => Event::Other,
    }
}

#[inline]
fn log(message: &[u8]) -> Event<'_> {
    let read = match message.first() {
        Some(b'd') if message.starts_with(b"duration: ") => duration::timed(message),
        Some(b'u') => session::connection(message).or_else(|| trouble::event(message)),
        Some(b's' | b'e') => duration::started(message).or_else(|| trouble::event(message)),
        Some(b'p') => lock::wait(message).map(Event::Waited).or_else(|| trouble::event(message)),
        Some(b'c' | b'r') => session::connection(message)
            .or_else(|| checkpoint::event(message))
            .or_else(|| trouble::event(message)),
        Some(b'd') => session::disconnection(message).or_else(|| trouble::event(message)),
        Some(b't') => temp_file(message).or_else(|| trouble::event(message)),
        Some(b'a') => vacuum::event(message).or_else(|| trouble::event(message)),
        _ => trouble::event(message),
    };
    read.or_else(|| language::timed(message)).unwrap_or(Event::Other)
}

fn temp_file(message: &[u8]) -> Option<Event<'_>> {
    if !message.starts_with(b"temporary file: ") {
        return None;
    }
    number_behind(message, b", size ").map(Event::TempFile)
}

/// The whole number behind the first place of a mark.
pub(crate) fn number_behind(text: &[u8], mark: &[u8]) -> Option<i64> {
    let at = memchr::memmem::find(text, mark)? + mark.len();
    whole(&text[at..]).map(|(number, _)| number)
}

/// A whole number at the beginning of a text, and how many bytes it takes.
pub(crate) fn whole(text: &[u8]) -> Option<(i64, usize)> {
    let len = text.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
    let number = text[..len].iter().try_fold(0_i64, |number, digit| {
        number.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    });
    (len > 0).then_some((number?, len))
}

/// A number with a fraction at the beginning of a text, in millionths, and how many bytes it takes.
pub(crate) fn millionths(text: &[u8]) -> Option<(i64, usize)> {
    let (number, mut len) = whole(text)?;
    let mut parts = 0;
    if text.get(len) == Some(&b'.') {
        len += 1;
        let mut scale = 100_000;
        while let Some(digit) = text.get(len).filter(|byte| byte.is_ascii_digit()) {
            parts += i64::from(digit - b'0') * scale;
            scale /= 10;
            len += 1;
        }
    }
    Some((number.checked_mul(1_000_000)?.checked_add(parts)?, len))
}

/// The number with a fraction behind the first place of a mark, in millionths.
pub(crate) fn millionths_behind(text: &[u8], mark: &[u8]) -> Option<i64> {
    let at = memchr::memmem::find(text, mark)? + mark.len();
    let rest = &text[at..];
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    millionths(&rest[spaces..]).map(|(number, _)| number)
}

/// A whole number at the beginning of a text.
pub(crate) fn whole_number(text: &[u8]) -> Option<i64> {
    whole(text).map(|(number, _)| number)
}
