//! A shape for people: the statement with its literals replaced.

use super::lexer::{Tokens, walk};

/// The statement with `?` for literals, one space between tokens and without comments, cut to about `limit` bytes.
/// Repeated literals and rows are written once.
pub fn normalise(text: &[u8], limit: usize) -> String {
    let mut writer = Writer { text: Vec::new(), limit, glue: true, last: Last::Other };
    walk(text, &mut writer);
    while writer.text.ends_with(b";") || writer.text.ends_with(b" ") {
        writer.text.pop();
    }
    let is_cut = writer.is_full();
    let mut text = String::from_utf8_lossy(&writer.text).into_owned();
    if is_cut {
        text.push('…');
    }
    text
}

/// The first word behind `FROM`, `UPDATE` or `INTO`: what a statement is about, for short names.
pub fn tables_word(text: &str) -> Option<&str> {
    let mut words = text.split_ascii_whitespace();
    words.find(|word| {
        ["from", "update", "into"].iter().any(|mark| word.eq_ignore_ascii_case(mark))
    })?;
    words.next().map(|word| word.trim_matches(['(', ')', ';', ','])).filter(|word| !word.is_empty())
}

struct Writer {
    text: Vec<u8>,
    limit: usize,
    /// No space before the next token.
    glue: bool,
    last: Last,
}

/// What stands before a bracket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A name that may be a function's: the bracket belongs to it.
    Name,
    /// A table behind `INTO` or `TABLE`, or the word itself: its columns stand apart.
    Table,
    Other,
}

/// Words that a bracket stands apart from.
const APART: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "by",
    "case",
    "check",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "in",
    "intersect",
    "is",
    "join",
    "key",
    "lateral",
    "like",
    "limit",
    "not",
    "offset",
    "on",
    "or",
    "over",
    "references",
    "returning",
    "select",
    "set",
    "some",
    "then",
    "union",
    "unique",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within",
];

impl Writer {
    fn put(&mut self, token: &[u8]) {
        if !self.glue {
            self.text.push(b' ');
        }
        self.text.extend_from_slice(token);
        self.glue = false;
    }

    /// Takes back `, ?` and `, (?)` that repeat what stands before them.
    fn fold(&mut self) {
        for (repeated, kept) in [(&b"?, ?"[..], 1), (&b"(?), (?)"[..], 3)] {
            if self.text.ends_with(repeated) {
                let len = self.text.len() - repeated.len() + kept;
                self.text.truncate(len);
            }
        }
    }
}

impl Tokens for Writer {
    fn word(&mut self, word: &[u8]) {
        self.put(word);
        let is =
            |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
        self.last = if is(&["into", "table"]) || self.last == Last::Table {
            Last::Table
        } else if is(APART) {
            Last::Other
        } else {
            Last::Name
        };
    }

    fn quoted(&mut self, name: &[u8]) {
        self.put(name);
        if self.last != Last::Table {
            self.last = Last::Other;
        }
    }

    fn literal(&mut self, _: &[u8]) {
        self.put(b"?");
        self.fold();
        self.last = Last::Other;
    }

    fn sign(&mut self, sign: u8) {
        let tight = matches!(sign, b',' | b')' | b'.' | b';' | b']' | b'[' | b':');
        let joins = self.text.last().is_some_and(|last| is_operator(*last) && is_operator(sign));
        let calls = sign == b'(' && self.last == Last::Name;
        self.glue |= tight || joins || calls;
        self.put(&[sign]);
        if sign != b'.' {
            self.last = Last::Other;
        }
        self.glue = matches!(sign, b'(' | b'.' | b'[' | b':');
        if sign == b')' {
            self.fold();
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() >= self.limit
    }
}

fn is_operator(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|?`:".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_written_for_people() {
        let written = |text: &str| normalise(text.as_bytes(), 200);
        assert_eq!(
            written("SELECT a.id,  b\n\tFROM a WHERE x>=10 AND y IN (1,2,3) -- no\n;"),
            "SELECT a.id, b FROM a WHERE x >= ? AND y IN (?)"
        );
        assert_eq!(
            written("select count( * ), s.f(1) over (partition by a) from t"),
            "select count(*), s.f(?) over (partition by a) from t"
        );
        assert_eq!(
            written("insert into s.t (a,b) values (1,'x'),(2,'y')"),
            "insert into s.t (a, b) values (?)"
        );
        assert_eq!(written("select x::int, c[1]"), "select x::int, c[?]");
        assert!(normalise(b"select aaaaaaaaaaaaaaaaaaa, bbbbbbbbb", 10).ends_with('…'));
    }

    #[test]
    fn a_short_name_is_the_first_table() {
        assert_eq!(tables_word("select * FROM app.users u"), Some("app.users"));
        assert_eq!(tables_word("select 1"), None);
    }
}
