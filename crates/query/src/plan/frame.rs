//! Takes off what clients put around a plan: the frame of `psql`, quotes of spreadsheets and pgAdmin.

use std::borrow::Cow;

/// The marks `psql` ends a line with that goes on in the next one of the same cell.
const CONTINUES: [char; 2] = ['+', '↵'];

/// The text without frames, line for line, so that places in it are those of the original.
pub(super) fn unframed(text: &str) -> Cow<'_, str> {
    let has_header = text.contains("QUERY PLAN");
    let is_doubled = text.contains("\"\"Plan\"\"");
    let is_plain = !has_header && !is_doubled && !text.contains(['\r', '\u{feff}', '\u{a0}']);
    if is_plain {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        let line = line.strip_suffix('\r').unwrap_or(line);
        let line = if has_header { cell(line) } else { Cow::Borrowed(line) };
        let line = if is_doubled { undoubled(&line) } else { line };
        if line.contains(['\u{feff}', '\u{a0}']) {
            out.push_str(&line.replace(['\u{feff}', '\u{a0}'], " "));
        } else {
            out.push_str(&line);
        }
        out.push_str(end);
    }
    Cow::Owned(out)
}

/// What stands in the only column of a framed line.
fn cell(line: &str) -> Cow<'_, str> {
    let trimmed = line.trim_end();
    let trimmed = match trimmed.strip_prefix(['|', '│']) {
        Some(inner) => inner.strip_suffix(['|', '│']).unwrap_or(inner).trim_end(),
        None => trimmed,
    };
    // In expanded display, the name of the column stands before the first line and blanks before the others.
    let trimmed = expanded(trimmed).unwrap_or(trimmed);
    let inner = trimmed.strip_suffix(CONTINUES).unwrap_or(trimmed);
    let is_quoted = inner.len() > 1 && inner.starts_with('"') && inner.ends_with('"');
    let is_node = inner.contains("(cost=") || inner.contains("->") || inner.contains(": ");
    if is_quoted && is_node && !inner.contains("\": ") {
        return Cow::Owned(inner[1..inner.len() - 1].replace("\"\"", "\""));
    }
    Cow::Borrowed(inner)
}

fn expanded(line: &str) -> Option<&str> {
    let (before, after) = line.split_once(" | ").or_else(|| line.split_once(" │ "))?;
    let before = before.trim();
    (before.is_empty() || before == "QUERY PLAN").then_some(after)
}

/// A field of a CSV file or a quoted copy: doubled quotes are single ones, the outer ones are gone.
fn undoubled(line: &str) -> Cow<'_, str> {
    let mark = '\u{1}';
    let single = line.replace("\"\"", "\u{1}").replace('"', "");
    Cow::Owned(single.replace(mark, "\""))
}
