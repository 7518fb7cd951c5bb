//! The word in front of a message.

use crate::language;

/// How serious a record is, or which part of a record a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    /// `DEBUG1` to `DEBUG5`.
    Debug,
    /// `INFO`.
    Info,
    /// `NOTICE`.
    Notice,
    /// `LOG`: what the administrator asked to see.
    #[default]
    Log,
    /// `WARNING`.
    Warning,
    /// A statement failed.
    Error,
    /// A session ended.
    Fatal,
    /// All sessions ended.
    Panic,
}

/// A further line of the record before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// `DETAIL`.
    Detail,
    /// `HINT`.
    Hint,
    /// `CONTEXT`.
    Context,
    /// `STATEMENT`.
    Statement,
    /// `QUERY`, `LOCATION`, `BACKTRACE`: read past.
    Other,
}

/// What the word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A record begins.
    Record(Severity),
    /// The record goes on.
    Extra(Extra),
}

impl Severity {
    /// Every one, from the least serious on.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Log,
        Self::Warning,
        Self::Error,
        Self::Fatal,
        Self::Panic,
    ];

    /// The word as servers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Log => "LOG",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Panic => "PANIC",
        }
    }

    /// Reads a bare word in any language we know.
    pub fn of(word: &[u8]) -> Option<Self> {
        Self::of_english(word).or_else(|| language::severity(word))
    }

    fn of_english(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"LOG" => Self::Log,
            b"ERROR" => Self::Error,
            b"WARNING" => Self::Warning,
            b"FATAL" => Self::Fatal,
            b"PANIC" => Self::Panic,
            b"NOTICE" => Self::Notice,
            b"INFO" => Self::Info,
            b"DEBUG" | b"DEBUG1" | b"DEBUG2" | b"DEBUG3" | b"DEBUG4" | b"DEBUG5" => Self::Debug,
            _ => return None,
        })
    }
}

impl Word {
    /// Reads `LOG:  ` at the beginning of a text; gives the word and how many bytes it took.
    #[inline]
    pub fn read(text: &[u8]) -> Option<(Self, usize)> {
        Self::read_english(text).or_else(|| language::word(text))
    }

    #[inline]
    fn read_english(text: &[u8]) -> Option<(Self, usize)> {
        let colon = text.iter().take(10).position(|byte| *byte == b':')?;
        let word = &text[..colon];
        let mut end = colon + 1;
        while end < colon + 3 && text.get(end) == Some(&b' ') {
            end += 1;
        }
        // A record that is cut right behind the colon still is one.
        if end == colon + 1 && text.len() > end {
            return None;
        }
        let read = match word {
            b"LOG" => Self::Record(Severity::Log),
            b"DETAIL" => Self::Extra(Extra::Detail),
            b"STATEMENT" => Self::Extra(Extra::Statement),
            b"HINT" => Self::Extra(Extra::Hint),
            b"CONTEXT" => Self::Extra(Extra::Context),
            b"QUERY" | b"LOCATION" | b"BACKTRACE" => Self::Extra(Extra::Other),
            other => Self::Record(Severity::of_english(other)?),
        };
        Some((read, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_other_text() {
        assert_eq!(Word::read(b"LOG:  x"), Some((Word::Record(Severity::Log), 6)));
        assert_eq!(Word::read(b"DEBUG3:  x"), Some((Word::Record(Severity::Debug), 9)));
        assert_eq!(Word::read(b"STATEMENT:  x"), Some((Word::Extra(Extra::Statement), 12)));
        assert_eq!(Word::read(b"LOGS:  x"), None);
        assert_eq!(Word::read(b"LOG:x"), None);
        assert_eq!(Word::read(b"user@db LOG:  x"), None);
    }
}
