//! A text of several statements, cut into them.

use std::ops::Range;

use pg_query::protobuf::{ScanToken, Token};

use crate::position::Position;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece<'t> {
    /// The statement, without the semicolon that ends it and the white space around it.
    pub text: &'t str,
    /// Where it stands, in bytes.
    pub at: Range<usize>,
}

/// The statements of a text, in its order; what holds nothing but comments is none. A statement that the grammar
/// refuses does not keep the others from being found, as long as its quotes and parentheses are closed.
pub fn split(text: &str) -> Vec<Piece<'_>> {
    let clean = without_meta_commands(text);
    // By tokens, not by the parser: its bindings cut wrongly, and abort, where a statement is empty or refused.
    let found = at_semicolons(&clean).unwrap_or_else(|| vec![&clean]);
    let mut pieces = Vec::with_capacity(found.len());
    let mut from = 0;
    for part in found {
        // The parts are slices of `clean`, which is as long as `text`, byte for byte.
        let Some(offset) = clean.get(from..).and_then(|rest| rest.find(part)) else { continue };
        let start = from + offset;
        from = start + part.len();
        if is_nothing(part) {
            continue;
        }
        let start = start + (part.len() - part.trim_start().len());
        let end = start + part.trim().trim_end_matches(';').trim_end().len();
        if let Some(own) = text.get(start..end) {
            pieces.push(Piece { text: own, at: start..end });
        }
    }
    pieces
}

/// Where a place in a text is, as editors count.
pub fn position(text: &str, at: usize) -> Position {
    Position::of(text, at)
}

/// The parts between semicolons that stand in no parenthesis and no `BEGIN ATOMIC` body; `None` where a quote is open.
fn at_semicolons(text: &str) -> Option<Vec<&str>> {
    let tokens = tokens(text)?;
    let (mut parts, mut from) = (Vec::new(), 0);
    let (mut parentheses, mut bodies, mut previous) = (0_usize, 0_usize, None);
    for token in &tokens {
        let kind = Token::try_from(token.token).ok();
        match kind {
            Some(Token::Ascii40) => parentheses += 1,
            Some(Token::Ascii41) => parentheses = parentheses.saturating_sub(1),
            Some(Token::Atomic) if previous == Some(Token::BeginP) => bodies += 1,
            Some(Token::Case) if bodies > 0 => bodies += 1,
            Some(Token::EndP) => bodies = bodies.saturating_sub(1),
            Some(Token::Ascii59) if parentheses == 0 && bodies == 0 => {
                let end = usize::try_from(token.end).ok()?;
                parts.push(text.get(from..end)?);
                from = end;
            }
            _ => {}
        }
        previous = kind;
    }
    parts.push(text.get(from..)?);
    Some(parts)
}

/// The number of parameters of a statement: the largest `n` of its `$n`.
pub fn parameters(text: &str) -> usize {
    let numbers = tokens(text).unwrap_or_default().into_iter().filter_map(|token| {
        let is_parameter = token.token == Token::Param as i32;
        let (start, end) = (usize::try_from(token.start).ok()?, usize::try_from(token.end).ok()?);
        text.get(start..end).filter(|_| is_parameter)?.strip_prefix('$')?.parse::<usize>().ok()
    });
    // The protocol has no more.
    numbers.max().unwrap_or_default().min(65_535)
}

/// Lines that speak to `psql` (`\set`, `\timing`) blanked, byte by byte, so that every place stays where it is.
fn without_meta_commands(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with('\\') {
            let blank =
                |c: char| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) };
            clean.extend(line.chars().map(blank));
        } else {
            clean.push_str(line);
        }
    }
    clean
}

/// The tokens of a text; `None` where a quote is open. (`pg_query::scan_tokens` would be quicker, and aborts in builds
/// with checks where there is no token at all.)
pub(crate) fn tokens(text: &str) -> Option<Vec<ScanToken>> {
    Some(pg_query::scan(text).ok()?.tokens)
}

/// Whether a text holds no token but comments.
fn is_nothing(text: &str) -> bool {
    tokens(text).is_some_and(|tokens| {
        let comment = |token: i32| {
            [Token::SqlComment as i32, Token::CComment as i32, Token::Ascii59 as i32]
                .contains(&token)
        };
        tokens.iter().all(|token| comment(token.token))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        split(text).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn statements_end_at_semicolons_outside_of_quotes_and_bodies() {
        assert_eq!(texts("select 1; select ';' ;;\n-- done\n"), ["select 1", "select ';'"]);
        let body =
            "create function f() returns int language sql begin atomic select 1; select 2; end";
        assert_eq!(texts(&format!("{body}; select $$a;b$$")), [body, "select $$a;b$$"]);
        assert!(texts(" -- nothing\n /* at all; */ ; ").is_empty());
    }

    #[test]
    fn one_that_is_refused_keeps_no_other_away() {
        assert_eq!(texts("selec 1; select 2"), ["selec 1", "select 2"]);
        assert_eq!(texts("select 'open; select 2"), ["select 'open; select 2"]);
    }

    #[test]
    fn parameters_are_counted_outside_of_quotes() {
        assert_eq!(parameters("select $2, '$7', $$ $9 $$ from t where a = $1 -- $8"), 2);
        assert_eq!(parameters("select 1"), 0);
    }

    #[test]
    fn what_is_meant_for_psql_is_passed_over() {
        let text = "\\set é 1\nselect 1;\n\\timing\nselect 2";
        assert_eq!(texts(text), ["select 1", "select 2"]);
        assert_eq!(split(text)[1].at.end, text.len());
    }

    proptest! {
        #[test]
        fn places_hold_what_they_name(text in "([a-z0-9 ;'$\"\\\\\n()-]|é|select |--){0,40}") {
            for piece in split(&text) {
                prop_assert_eq!(&text[piece.at.clone()], piece.text);
            }
        }
    }
}
