//! A shape for people: the statement with its literals replaced.

use super::lexer::{Tokens, walk};

/// The statement with `?` for literals, one space between tokens and without comments, cut to about `limit` bytes.
/// Repeated literals and rows are written once.
pub fn normalise(text: &[u8], limit: usize) -> String {
    let mut writer = Writer { text: Vec::new(), limit, glue: true };
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
}

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
    }

    fn quoted(&mut self, name: &[u8]) {
        self.put(name);
    }

    fn literal(&mut self, _: &[u8]) {
        self.put(b"?");
        self.fold();
    }

    fn sign(&mut self, sign: u8) {
        let tight = matches!(sign, b',' | b')' | b'.' | b';' | b']' | b'[' | b':');
        let joins = self.text.last().is_some_and(|last| is_operator(*last) && is_operator(sign));
        self.glue |= tight || joins;
        // `f(`: a call, but `in (` and `values (` read better apart.
        self.put(&[sign]);
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
            written("insert into t (a,b) values (1,'x'),(2,'y')"),
            "insert into t (a, b) values (?)"
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
