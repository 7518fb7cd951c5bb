//! `key=value key='quoted value'` strings.

use super::{ConninfoError, Parameters, Place};

/// Reads pairs separated by blanks. A backslash makes the next character plain, inside quotes and outside.
pub(super) fn parse(text: &str) -> Result<Parameters, ConninfoError> {
    let mut parameters = Parameters::default();
    let mut rest = text.trim_start();
    let at = |rest: &str| text.len() - rest.len() + 1;
    while !rest.is_empty() {
        let start = rest;
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        let Some(after) = rest.strip_prefix('=') else {
            let shown: String = name.chars().take(20).collect();
            return Err(Place::Text.trouble(format!(
                "no = after {shown:?} at character {}; write key=value pairs or postgres://…",
                at(start)
            )));
        };
        let (value, next) = value(after.trim_start()).ok_or_else(|| {
            let shown: String = name.chars().take(20).collect();
            Place::Text.trouble(format!("the quote in the value of {shown:?} is not closed"))
        })?;
        parameters.set(name, value, Place::Text)?;
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
