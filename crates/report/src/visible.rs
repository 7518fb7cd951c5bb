//! Names and texts from servers, made harmless and visible: no control character reaches a reader raw.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// One line of text: control characters, line breaks and invisible direction marks are spelled out
/// (`\n`, `\x1b`, `\u{202e}`).
pub fn inline(text: &str) -> String {
    spelled(text, false)
}

/// Statements and other texts of several lines: line feeds and tabs stay, everything else that
/// [`inline`] spells out is spelled out.
pub fn block(text: &str) -> String {
    spelled(text, true)
}

/// Whether [`block`] has to change the text, so that pasting it would not do what is meant.
pub fn is_altered(text: &str) -> bool {
    text.chars().any(|c| !matches!(c, '\n' | '\t') && is_hidden(c))
}

/// Cells the text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line, cut to so many cells with an ellipsis.
pub(crate) fn clip(text: &str, cells: usize) -> String {
    let text = inline(text);
    if width(&text) <= cells {
        return text;
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > cells {
            break;
        }
        out.push(c);
    }
    // Emoji sequences measure differently joined than alone.
    while width(&out) + 1 > cells && out.pop().is_some() {}
    out.push('…');
    out
}

fn spelled(text: &str, keep_lines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' if keep_lines => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) && c.is_ascii() => append!(out, "\\x{:02x}", u32::from(c)),
            c if is_hidden(c) => append!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.push(c),
        }
    }
    out
}

/// Control characters, line and paragraph separators, direction overrides, invisible marks and
/// characters no XML document may hold.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelled_out() {
        assert_eq!(inline("a\nb\tc\x1b[31m"), "a\\nb\\tc\\x1b[31m");
        assert_eq!(inline("\u{202e}evil\u{9b}"), "\\u{202e}evil\\u{9b}");
        assert_eq!(inline("größe 👩‍💻"), "größe 👩‍💻");
    }

    #[test]
    fn blocks_keep_their_lines() {
        assert_eq!(block("select\n\t1\x07;"), "select\n\t1\\x07;");
        assert!(!is_altered("select\n\t1;"));
        assert!(is_altered("select '\x1b';"));
    }

    #[test]
    fn clipping_counts_cells() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcde…");
        assert_eq!(clip("日本語日本", 6), "日本…");
        assert!(width(&clip("👩‍💻👩‍💻👩‍💻👩‍💻", 5)) <= 5);
    }
}
