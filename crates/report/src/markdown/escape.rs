//! Escaping for GitHub-flavoured Markdown, in each of the places a text can stand.

use crate::visible;

/// Running text: no character of it is markup.
pub(crate) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in visible::inline(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A cell of a table.
pub(crate) fn cell(raw: &str) -> String {
    text(raw)
}

/// A name in code style, fit for running text and for cells.
pub(crate) fn code(raw: &str) -> String {
    let shown = visible::inline(raw);
    if shown.contains(['|', '<', '>', '&', '`']) || shown.trim() != shown || shown.is_empty() {
        // Inside backticks a `|` would end a table cell, and blanks at the ends would be eaten.
        return format!("<code>{}</code>", html(&shown).replace('|', "&#124;"));
    }
    format!("`{shown}`")
}

/// Text inside an HTML element such as `<summary>`, where Markdown is not read.
pub(crate) fn html(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in visible::inline(raw).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // GitHub reads emphasis and code even inside one line of HTML.
            '*' | '_' | '`' | '[' | ']' | '~' | '\\' | '$' | '#' => {
                append!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Statements in a fence that no backticks inside them can close.
pub(crate) fn fence(language: &str, statements: &[String], indent: &str) -> String {
    let body: Vec<String> = statements.iter().map(|s| visible::block(s.trim_end())).collect();
    let longest = body.iter().map(|s| longest_run(s)).max().unwrap_or(0);
    let ticks = "`".repeat(longest.max(2) + 1);
    let mut out = format!("{indent}{ticks}{language}\n");
    for line in body.iter().flat_map(|s| s.split('\n')) {
        out.push_str(indent);
        out.push_str(line);
        out.push('\n');
    }
    append!(out, "{indent}{ticks}\n");
    out
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(text("a_b *c* <b>|`"), "a\\_b \\*c\\* &lt;b&gt;\\|\\`");
    }

    #[test]
    fn code_survives_backticks_and_pipes() {
        assert_eq!(code("a_b"), "`a_b`");
        assert_eq!(code("a`b"), "<code>a&#96;b</code>");
        assert_eq!(code("a|b"), "<code>a&#124;b</code>");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence("sql", &["a\n```\nb".to_owned()], ""), "````sql\na\n```\nb\n````\n");
    }
}
