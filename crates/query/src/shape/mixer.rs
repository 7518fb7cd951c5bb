//! Tokens mixed into one number. Lists of literals count as one literal, rows of literals as one row.

use super::{Kind, Shape, lexer::Tokens};

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Where hashes begin: any number but [`FACTOR`], which would make all of them zero.
const SEED: u64 = 0x243F_6A88_85A3_08D3;

/// Mixes two numbers so that each bit of the result depends on all of theirs.
#[inline]
pub fn fold(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ FACTOR) * u128::from(b ^ 0xD6E8_FEB8_6659_FD93);
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    let folded = (wide as u64) ^ ((wide >> 64) as u64);
    folded
}

/// A number for bytes; `case` is what is set in each byte first.
#[inline]
fn bytes(mut hash: u64, text: &[u8], case: u64) -> u64 {
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        hash = fold(hash, u64::from_le_bytes(eight) | case);
    }
    let rest = chunks.remainder();
    let mut last = (text.len() as u64) << 56;
    for (place, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * place);
    }
    fold(hash, last | case)
}

/// A number for bytes: equal for equal ones, and for no others but by a chance of one in 2⁶⁴.
pub fn number_of(text: &[u8]) -> u64 {
    bytes(SEED, text, 0)
}

/// What was seen last, as far as it decides whether the next tokens repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Last {
    #[default]
    Other,
    /// A literal is mixed in.
    Literal,
    /// A literal, and a comma that is not mixed in yet.
    LiteralComma,
    /// `(` is mixed in.
    Open,
    /// `( literal` are mixed in.
    OpenLiteral,
    /// `( literal` are mixed in, a comma is not yet.
    OpenLiteralComma,
    /// A whole row of literals is mixed in.
    Row,
    /// A row, and a comma that is not mixed in yet.
    RowComma,
    /// A row, and `, (` that are not mixed in yet.
    RowOpen,
    /// A row, and `, ( literal` that are not.
    RowLiteral,
    /// A row, and `, ( literal ,` that are not.
    RowLiteralComma,
}

#[derive(Debug, Default)]
pub(super) struct Mixer {
    hash: u64,
    literals: u64,
    last: Last,
    kind: Option<Kind>,
    /// Words seen, as far as they tell what it does.
    words: u8,
    /// A semicolon counts only with something behind it.
    semicolon: bool,
}

const WORD: u64 = 1;
const QUOTED: u64 = 2;
const LITERAL: u64 = 3;
const SIGN: u64 = 0x100;
/// Sets the bit that tells small letters from capitals.
const SMALL: u64 = 0x2020_2020_2020_2020;
const HIGH: u64 = 0x8080_8080_8080_8080;

impl Mixer {
    pub(super) fn finish(mut self) -> Shape {
        self.semicolon = false;
        self.settle();
        Shape {
            hash: fold(self.hash, FACTOR),
            literals: self.literals,
            kind: self.kind.unwrap_or_default(),
        }
    }

    #[inline]
    fn mix(&mut self, token: u64) {
        self.hash = fold(self.hash.rotate_left(5), token);
    }

    /// Mixes in what was held back, since it was no repetition.
    #[inline]
    fn settle(&mut self) {
        let (comma, open) = (SIGN | u64::from(b','), SIGN | u64::from(b'('));
        let held: &[u64] = match self.last {
            Last::LiteralComma | Last::OpenLiteralComma | Last::RowComma => &[comma],
            Last::RowOpen => &[comma, open],
            Last::RowLiteral => &[comma, open, LITERAL],
            Last::RowLiteralComma => &[comma, open, LITERAL, comma],
            _ => &[],
        };
        for token in held {
            self.mix(*token);
        }
        if self.semicolon {
            self.semicolon = false;
            self.mix(SIGN | u64::from(b';'));
        }
        self.last = Last::Other;
    }
}

/// Whether a byte of the word is no ASCII: such names are taken as they are.
#[inline]
fn is_wide(word: &[u8]) -> bool {
    let chunks = word.chunks_exact(8);
    let rest = chunks.remainder();
    let is_wide = |chunk: &[u8]| {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        u64::from_le_bytes(eight) & HIGH != 0
    };
    rest.iter().any(|byte| *byte >= 128) || chunks.into_iter().any(is_wide)
}

impl Tokens for Mixer {
    #[inline]
    fn word(&mut self, word: &[u8]) {
        if self.last != Last::Other || self.semicolon {
            self.settle();
        }
        if self.words < ACT_WITHIN {
            self.words += 1;
            if self.kind.is_none() {
                self.kind = Some(kind(word));
            } else if self.kind == Some(Kind::Read) && acts(word) {
                self.kind = Some(Kind::Other);
            }
        }
        let case = if is_wide(word) { 0 } else { SMALL };
        self.hash = bytes(self.hash.rotate_left(5) ^ WORD, word, case);
    }

    #[inline]
    fn quoted(&mut self, name: &[u8]) {
        self.settle();
        self.hash = bytes(self.hash.rotate_left(5) ^ QUOTED, name, 0);
    }

    #[inline]
    fn literal(&mut self, literal: &[u8]) {
        self.literals = bytes(self.literals, literal, 0);
        self.last = match self.last {
            Last::LiteralComma => Last::Literal,
            Last::OpenLiteralComma => Last::OpenLiteral,
            Last::RowOpen | Last::RowLiteralComma => Last::RowLiteral,
            Last::Open => {
                self.mix(LITERAL);
                Last::OpenLiteral
            }
            _ => {
                self.settle();
                self.mix(LITERAL);
                Last::Literal
            }
        };
    }

    #[inline]
    fn sign(&mut self, sign: u8) {
        self.last = match (sign, self.last) {
            (b',', Last::Literal) => Last::LiteralComma,
            (b',', Last::OpenLiteral) => Last::OpenLiteralComma,
            (b',', Last::Row) => Last::RowComma,
            (b',', Last::RowLiteral) => Last::RowLiteralComma,
            (b'(', Last::RowComma) => Last::RowOpen,
            (b')', Last::RowLiteral) => Last::Row,
            (b')', Last::OpenLiteral) => {
                self.mix(SIGN | u64::from(sign));
                Last::Row
            }
            (b';', _) => {
                self.settle();
                self.semicolon = true;
                Last::Other
            }
            _ => {
                self.settle();
                self.mix(SIGN | u64::from(sign));
                if sign == b'(' { Last::Open } else { Last::Other }
            }
        };
    }
}

/// `SELECT pg_catalog.set_config(…)`: the third word is the last that is looked at.
const ACT_WITHIN: u8 = 3;

/// Whether a function sets, takes or waits for something: a `SELECT` that begins with it reads nothing.
fn acts(word: &[u8]) -> bool {
    const NAMES: [&str; 5] = ["set_config", "nextval", "setval", "pg_notify", "pg_sleep"];
    const BEGINNINGS: [&str; 2] = ["pg_advisory_", "pg_try_advisory_"];
    NAMES.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
        || BEGINNINGS.iter().any(|begins| {
            word.get(..begins.len())
                .is_some_and(|front| front.eq_ignore_ascii_case(begins.as_bytes()))
        })
}

fn kind(word: &[u8]) -> Kind {
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    if is(&["select", "with", "values", "table"]) {
        Kind::Read
    } else if is(&["insert", "update", "delete", "merge"]) {
        Kind::Write
    } else if is(&["begin", "start"]) {
        Kind::Begin
    } else if is(&["commit", "end", "rollback", "abort"]) {
        Kind::End
    } else {
        Kind::Other
    }
}
