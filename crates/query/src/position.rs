//! Where the grammar stops understanding a text.

use crate::script::tokens;

/// A place in a text, as editors count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Bytes before it.
    pub at: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl Position {
    /// The place of a byte; of the end of the text where there are fewer.
    pub(crate) fn of(text: &str, at: usize) -> Self {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            at,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// What the parser says of a text that merely stops too early.
const UNFINISHED: &str = "end of input";

/// Where the first token stands that the grammar cannot take; the end of the text where it only breaks off. `None`
/// where the text is understood, or holds something that is no token (an open quote).
///
/// The parser's bindings tell no place. But the text up to a token is either only unfinished or wrong, and stays wrong
/// whatever follows: the first wrong one is found by halving.
pub fn trouble(text: &str) -> Option<Position> {
    let is_wrong = |end: usize| match pg_query::parse(text.get(..end).unwrap_or(text), 0) {
        Err(pg_query::Error::Parse(message)) => !message.contains(UNFINISHED),
        _ => false,
    };
    pg_query::parse(text, 0).err()?;
    let tokens = tokens(text)?;
    let ends: Vec<usize> = tokens.iter().filter_map(|t| usize::try_from(t.end).ok()).collect();
    let first = ends.partition_point(|&end| !is_wrong(end));
    let at = match tokens.get(first) {
        Some(token) => usize::try_from(token.start).ok()?,
        None => text.trim_end().len(),
    };
    Some(Position::of(text, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Option<(usize, usize)> {
        trouble(text).map(|position| (position.line, position.column))
    }

    #[test]
    fn the_first_token_that_does_not_fit_is_named() {
        assert_eq!(place("selec 1"), Some((1, 1)));
        assert_eq!(place("select *\nfrom t\nwhere é = = 1"), Some((3, 11)));
        assert_eq!(place("select a from b limit 1 where c"), Some((1, 25)));
        assert_eq!(place("select (1, 2"), Some((1, 13)));
        assert_eq!(place("select 1"), None);
        assert_eq!(place("select 'open"), None);
    }
}
