//! `key=value key='quoted value'` strings.

use super::{ConninfoError, Parameters, Place, keyword::Keyword};

/// Reads pairs separated by blanks. A backslash makes the next character plain, inside quotes and outside.
///
/// Errors give positions, not text, where the text may be the rest of a password that was not quoted.
pub(super) fn parse(text: &str) -> Result<Parameters, ConninfoError> {
    let mut parameters = Parameters::default();
    let mut rest = text.trim_start();
    let mut is_after_password = false;
    while !rest.is_empty() {
        let position = text[..text.len() - rest.len()].chars().count() + 1;
        let hint = if is_after_password {
            "put a password that holds blanks in single quotes"
        } else {
            "write key=value pairs or postgres://user@host/database"
        };
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        let Some(after) = rest[end..].trim_start().strip_prefix('=') else {
            let what = format!("no = after the word at character {position}; {hint}");
            return Err(Place::Text.trouble(what));
        };
        let Some((value, next)) = value(after.trim_start()) else {
            let what = format!("the quote in the value at character {position} is not closed");
            return Err(Place::Text.trouble(what));
        };
        if is_after_password && Keyword::find(name).is_none() {
            let what = format!("unknown parameter at character {position}; {hint}");
            return Err(Place::Text.trouble(what));
        }
        parameters.set(name, value, Place::Text)?;
        is_after_password = name == "password";
        rest = next.trim_start();
    }
    Ok(parameters)
}

/// The value at the start of the text, and what follows it; nothing if a quote stays open.
fn value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices();
    if quoted {
        characters.next();
    }
    while let Some((place, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Some((value, &text[place + 1..])),
            blank if !quoted && blank.is_whitespace() => return Some((value, &text[place..])),
            other => value.push(other),
        }
    }
    (!quoted).then_some((value, ""))
}
