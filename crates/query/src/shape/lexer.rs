//! Tokens of a statement, found in one pass over any bytes.

use memchr::{memchr, memchr2, memmem};

/// Takes tokens in their order.
pub(super) trait Tokens {
    /// A keyword or an unquoted name.
    fn word(&mut self, word: &[u8]);
    /// A quoted name, with its quotes.
    fn quoted(&mut self, name: &[u8]);
    /// A literal or a parameter.
    fn literal(&mut self, literal: &[u8]);
    /// One byte of an operator or a bracket.
    fn sign(&mut self, sign: u8);
    /// Whether enough was seen.
    fn is_full(&self) -> bool {
        false
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Digit,
    Quote,
    DoubleQuote,
    Dollar,
    Dot,
    Dash,
    Slash,
    Sign,
}

static CLASSES: [Class; 256] = classes();

#[expect(clippy::cast_possible_truncation, reason = "the index is below 256")]
const fn classes() -> [Class; 256] {
    let mut classes = [Class::Sign; 256];
    let mut at = 0;
    while at < 256 {
        classes[at] = match at as u8 {
            0..=b' ' => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 128.. => Class::Word,
            b'0'..=b'9' => Class::Digit,
            b'\'' => Class::Quote,
            b'"' => Class::DoubleQuote,
            b'$' => Class::Dollar,
            b'.' => Class::Dot,
            b'-' => Class::Dash,
            b'/' => Class::Slash,
            _ => Class::Sign,
        };
        at += 1;
    }
    classes
}

fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Walks over a text.
#[inline]
pub(super) fn walk(text: &[u8], to: &mut impl Tokens) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if to.is_full() {
            return;
        }
        at = match class(*byte) {
            Class::Space => at + 1,
            Class::Word => word(text, at, to),
            Class::Digit => number(text, at, to),
            Class::Quote => string(text, at, at, false, to),
            Class::DoubleQuote => quoted(text, at, at, to),
            Class::Dollar => dollar(text, at, to),
            Class::Dot => match text.get(at + 1) {
                Some(next) if next.is_ascii_digit() => number(text, at, to),
                _ => sign(b'.', at, to),
            },
            Class::Dash if text.get(at + 1) == Some(&b'-') => {
                memchr2(b'\n', b'\r', &text[at..]).map_or(text.len(), |end| at + end)
            }
            Class::Slash if text.get(at + 1) == Some(&b'*') => comment(text, at),
            Class::Dash | Class::Slash | Class::Sign => sign(*byte, at, to),
        };
    }
}

fn sign(byte: u8, at: usize, to: &mut impl Tokens) -> usize {
    to.sign(byte);
    at + 1
}

#[inline]
fn word(text: &[u8], at: usize, to: &mut impl Tokens) -> usize {
    let mut end = at + 1;
    while text
        .get(end)
        .is_some_and(|byte| matches!(class(*byte), Class::Word | Class::Digit | Class::Dollar))
    {
        end += 1;
    }
    if end == at + 1 {
        // `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`, `U&"…"`: one token each.
        match (text[at] | 0x20, text.get(end), text.get(end + 1)) {
            (b'e', Some(b'\''), _) => return string(text, at, end, true, to),
            (b'b' | b'x' | b'n', Some(b'\''), _) => return string(text, at, end, false, to),
            (b'u', Some(b'&'), Some(b'\'')) => return string(text, at, end + 1, false, to),
            (b'u', Some(b'&'), Some(b'"')) => return quoted(text, at, end + 1, to),
            _ => {}
        }
    }
    to.word(&text[at..end]);
    end
}

fn number(text: &[u8], at: usize, to: &mut impl Tokens) -> usize {
    let mut end = at;
    while let Some(byte) = text.get(end) {
        let is_exponent_sign = matches!(byte, b'+' | b'-')
            && matches!(text[end - 1], b'e' | b'E')
            && !matches!(text.get(at + 1), Some(b'x' | b'X'))
            && end > at
            && text.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || is_exponent_sign) {
            break;
        }
        end += 1;
    }
    to.literal(&text[at..end]);
    end
}

/// A string whose token begins at `start` and whose first quote stands at `quote`.
fn string(text: &[u8], start: usize, quote: usize, escapes: bool, to: &mut impl Tokens) -> usize {
    let mut at = quote + 1;
    let end = loop {
        let rest = text.get(at..).unwrap_or_default();
        let next = if escapes { memchr2(b'\'', b'\\', rest) } else { memchr(b'\'', rest) };
        let Some(next) = next else { break text.len() };
        at += next;
        if text[at] == b'\\' || text.get(at + 1) == Some(&b'\'') {
            at += 2;
        } else {
            break at + 1;
        }
    };
    to.literal(&text[start..end]);
    end
}

fn quoted(text: &[u8], start: usize, quote: usize, to: &mut impl Tokens) -> usize {
    let mut at = quote + 1;
    let end = loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(next) = memchr(b'"', rest) else { break text.len() };
        at += next;
        if text.get(at + 1) == Some(&b'"') {
            at += 2;
        } else {
            break at + 1;
        }
    };
    to.quoted(&text[start..end]);
    end
}

/// `$1`, `$$…$$`, `$tag$…$tag$`, or a lone sign.
fn dollar(text: &[u8], at: usize, to: &mut impl Tokens) -> usize {
    let mut end = at + 1;
    if text.get(end).is_some_and(u8::is_ascii_digit) {
        while text.get(end).is_some_and(u8::is_ascii_digit) {
            end += 1;
        }
        to.literal(&text[at..end]);
        return end;
    }
    while text.get(end).is_some_and(|byte| matches!(class(*byte), Class::Word | Class::Digit)) {
        end += 1;
    }
    if text.get(end) != Some(&b'$') {
        return sign(b'$', at, to);
    }
    let tag = &text[at..=end];
    let body = &text[end + 1..];
    let len = memmem::find(body, tag).map_or(body.len(), |found| found + tag.len());
    let end = end + 1 + len;
    to.literal(&text[at..end]);
    end
}

/// Behind a comment, which may hold comments.
fn comment(text: &[u8], at: usize) -> usize {
    let mut depth = 1_u32;
    let mut at = at + 2;
    while let Some(next) = memchr2(b'/', b'*', text.get(at..).unwrap_or_default()) {
        at += next;
        match (text[at], text.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}
