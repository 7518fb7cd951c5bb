//! Hides the literals of a statement's text: what users typed is nobody's business.

/// The text with each string, dollar-quoted string and number replaced by `?`. Names, quoted names, parameters
/// (`$1`) and comments stay. A literal that is cut off is hidden to the end.
pub(super) fn mask(text: &str) -> String {
    let mut rest = text;
    let mut masked = String::with_capacity(text.len());
    while !rest.is_empty() {
        let (length, kind) = token(rest);
        let (piece, after) = rest.split_at(length);
        masked.push_str(if kind == Kind::Literal { "?" } else { piece });
        rest = after;
    }
    masked
}

/// Whether a statement may hold literals although the server normalises texts: utility statements do, and one
/// of those sets passwords.
pub(super) fn keeps_literals(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let (length, kind) = token(rest);
        let (piece, after) = rest.split_at(length);
        if kind == Kind::Word {
            let planned =
                ["select", "insert", "update", "delete", "merge", "with", "values", "table"];
            return !planned.iter().any(|word| piece.eq_ignore_ascii_case(word));
        }
        rest = after;
    }
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Literal,
    Word,
    Other,
}

/// Length in bytes and kind of what the text begins with; never 0 for a text that is not empty.
fn token(text: &str) -> (usize, Kind) {
    let bytes = text.as_bytes();
    match bytes[0] {
        b'\'' => (string(bytes, 0, false), Kind::Literal),
        b'"' => (quoted_name(bytes), Kind::Other),
        b'-' if bytes.get(1) == Some(&b'-') => (line(bytes), Kind::Other),
        b'/' if bytes.get(1) == Some(&b'*') => (comment(bytes), Kind::Other),
        b'$' => dollar(text),
        b'.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => (number(bytes), Kind::Literal),
        first if first.is_ascii_digit() => (number(bytes), Kind::Literal),
        first if begins_word(first) => word(bytes),
        _ => (text.chars().next().map_or(1, char::len_utf8), Kind::Other),
    }
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_word(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// A name or keyword; with a string right behind it, the prefix of that string.
fn word(bytes: &[u8]) -> (usize, Kind) {
    let length = run(bytes, continues_word);
    if bytes.get(length) != Some(&b'\'') {
        return (length, Kind::Word);
    }
    match &bytes[..length] {
        b"e" | b"E" => (string(bytes, length, true), Kind::Literal),
        b"b" | b"B" | b"x" | b"X" | b"n" | b"N" => (string(bytes, length, false), Kind::Literal),
        _ => (length, Kind::Word),
    }
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| !belongs(*byte)).unwrap_or(bytes.len())
}

/// End of the string whose opening quote is at `open`.
fn string(bytes: &[u8], open: usize, has_escapes: bool) -> usize {
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if has_escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn quoted_name(bytes: &[u8]) -> usize {
    let closing = bytes[1..].iter().position(|byte| *byte == b'"');
    closing.map_or(bytes.len(), |length| length + 2)
}

fn line(bytes: &[u8]) -> usize {
    run(bytes, |byte| byte != b'\n')
}

/// Comments nest.
fn comment(bytes: &[u8]) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
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
    bytes.len()
}

/// A parameter (`$1`), a dollar-quoted string, or a lone dollar.
fn dollar(text: &str) -> (usize, Kind) {
    let bytes = text.as_bytes();
    let digits = run(&bytes[1..], |byte| byte.is_ascii_digit());
    if digits > 0 {
        return (1 + digits, Kind::Other);
    }
    let tag = run(&bytes[1..], |byte| continues_word(byte) && byte != b'$');
    if bytes.get(1 + tag) != Some(&b'$') {
        return (1, Kind::Other);
    }
    let (delimiter, body) = text.split_at(tag + 2);
    let length = body.find(delimiter).map_or(text.len(), |end| delimiter.len() * 2 + end);
    (length, Kind::Literal)
}

/// `1`, `1.5e-3`, `0xFF`, `1_000`.
fn number(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let is_sign = matches!(byte, b'+' | b'-')
            && matches!(bytes[at.saturating_sub(1)], b'e' | b'E')
            && at > 0;
        let is_range = *byte == b'.' && bytes.get(at + 1) == Some(&b'.');
        if is_range || !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || is_sign) {
            break;
        }
        at += 1;
    }
    at.max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn literals_go() {
        let pairs = [
            ("select 'secret'", "select ?"),
            ("select 'it''s secret', 1", "select ?, ?"),
            (r"select E'it\'s secret'", "select ?"),
            (r"select 'C:\', 'secret'", "select ?, ?"),
            ("select N'x', b'01', X'ff', u&'d\\0061t'", "select ?, ?, ?, u&?"),
            ("select $$se'cret$$, $a$ $$ $a$", "select ?, ?"),
            ("select 1, 1.5, .5, 1e10, 1.5e-3, 0xFF, 1_000", "select ?, ?, ?, ?, ?, ?, ?"),
            ("where id=42 and x>-7", "where id=? and x>-?"),
            ("select 'cut off", "select ?"),
            ("select $q$cut off", "select ?"),
            ("select a[1:2], b[3]", "select a[?:?], b[?]"),
            ("alter role app password 'hunter2'", "alter role app password ?"),
        ];
        for (text, wanted) in pairs {
            assert_eq!(mask(text), wanted);
        }
    }

    #[test]
    fn names_parameters_and_comments_stay() {
        for text in [
            "select t1.c2, \"Col 3\", _4 from tabelle_5ä where a = $1 and b = $22",
            "/* route 7 /* nested 8 */ 'x' */ select x -- at 9 o'clock\nfrom t",
            "select a$1 from \"it's\"",
            "select \"never closed 1",
            "<insufficient privilege>",
            "autovacuum: VACUUM public.orders_2024 (to prevent wraparound)",
            "$",
            "größe → ok 😀",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn planned_statements_are_told_from_utilities() {
        for text in ["SELECT $1", "/* a */ with x as (select 1) select 1", "-- note\n(values ($1))"]
        {
            assert!(!keeps_literals(text), "{text}");
        }
        for text in ["ALTER ROLE x PASSWORD 'y'", "create user z", "", "set a = 1", "'x'"] {
            assert!(keeps_literals(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "\\PC*|[-'\"$/*aE0-9\\\\ .\n]*") {
            let masked = mask(&text);
            prop_assert!(masked.len() <= text.len());
            prop_assert_eq!(mask(&masked).len(), masked.len(), "nothing is left to hide");
        }

        #[test]
        fn a_string_never_shows(secret in "[a-zA-Z0-9 ]{1,20}", before in "[a-z =(]{0,10}") {
            let text = format!("{before} '{secret}~' tail");
            prop_assert!(!mask(&text).contains('~'));
            prop_assert!(mask(&text).ends_with("tail"));
        }
    }
}
