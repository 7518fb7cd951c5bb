//! A check's documentation: for the terminal, and whole as Markdown.

use crate::{
    CheckDoc, ColorChoice, ThresholdDoc, humanize, list,
    page::{DIM, NOTE, PLAIN, Page, STRONG},
    table::{Align, Table, cell},
};

/// The documentation of one check for a terminal.
pub fn render(check: &CheckDoc, width: usize, color: ColorChoice) -> String {
    let mut page = Page::new(width, color);
    page.line(0, &[(STRONG, &check.id)]);
    page.para(0, PLAIN, &check.title);
    page.blank();
    let mut table = Table::plain(&[Align::Left, Align::Left]);
    for (label, text) in list::facts(check) {
        table.row(vec![(DIM, label.to_owned()), cell(text)]);
    }
    table.print(&mut page, 2);
    page.blank();
    let mut was_item = false;
    for block in blocks(&check.explain) {
        let is_item = matches!(block, Block::Item(..));
        if was_item && !is_item {
            page.blank();
        }
        was_item = is_item;
        print(&mut page, &block);
    }
    if was_item {
        page.blank();
    }
    thresholds(&mut page, check);
    page.finish()
}

/// The documentation as one Markdown page, thresholds included.
pub fn markdown(check: &CheckDoc) -> String {
    let mut out = format!("# {}\n\n{}\n\n", check.id, check.title);
    for (label, text) in list::facts(check) {
        append!(out, "- {label}: {text}\n");
    }
    out.push('\n');
    out.push_str(check.explain.trim());
    out.push('\n');
    if !check.thresholds.is_empty() {
        out.push_str("\n## Thresholds\n\n| Key | Default | Allowed | Why |\n|---|---|---|---|\n");
        for threshold in &check.thresholds {
            append!(
                out,
                "| `{}` | {} | {} – {} | {} |\n",
                threshold.key,
                default(threshold),
                humanize::quantity(threshold.min, threshold.unit),
                humanize::quantity(threshold.max, threshold.unit),
                threshold.why
            );
        }
    }
    out
}

fn thresholds(page: &mut Page, check: &CheckDoc) {
    if check.thresholds.is_empty() {
        return;
    }
    page.heading("Thresholds", "each can be set in the configuration");
    let mut table = Table::headed(&[
        ("key", Align::Left),
        ("default", Align::Right),
        ("allowed", Align::Left),
        ("why this number", Align::Left),
    ]);
    for threshold in &check.thresholds {
        let [min, max] =
            [threshold.min, threshold.max].map(|value| humanize::quantity(value, threshold.unit));
        table.row(vec![
            (NOTE, threshold.key.clone()),
            cell(default(threshold)),
            cell(format!("{min} – {max}")),
            cell(&threshold.why),
        ]);
    }
    table.print(page, 2);
}

/// `14 days`, or `5 % (strict 2 %)` where the strict profile differs.
fn default(threshold: &ThresholdDoc) -> String {
    let value = humanize::quantity(threshold.default, threshold.unit);
    match threshold.strict {
        Some(strict) => format!("{value} (strict {})", humanize::quantity(strict, threshold.unit)),
        None => value,
    }
}

/// A block of the Markdown that checks are documented in.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Heading(String),
    Paragraph(String),
    /// The marker and the text.
    Item(String, String),
    Code(String),
}

/// Splits the subset of Markdown that checks use: headings, paragraphs, lists, fenced code.
fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    let mut lines = markdown.lines();
    while let Some(line) = lines.next() {
        let text = line.trim();
        if text.starts_with("```") {
            let code: Vec<&str> =
                lines.by_ref().take_while(|l| !l.trim().starts_with("```")).collect();
            blocks.push(Block::Code(code.join("\n")));
            is_open = false;
        } else if text.is_empty() {
            is_open = false;
        } else if let Some(heading) = text.strip_prefix('#') {
            blocks.push(Block::Heading(heading.trim_start_matches('#').trim().to_owned()));
            is_open = false;
        } else if let Some((marker, item)) = item(text) {
            blocks.push(Block::Item(marker.to_owned(), item.to_owned()));
            is_open = true;
        } else {
            match blocks.last_mut() {
                Some(Block::Paragraph(open) | Block::Item(_, open)) if is_open => {
                    open.push(' ');
                    open.push_str(text);
                }
                _ => blocks.push(Block::Paragraph(text.to_owned())),
            }
            is_open = true;
        }
    }
    blocks
}

/// The marker and text of a list item.
fn item(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix("- ").or_else(|| text.strip_prefix("* ")) {
        return Some(("•", rest.trim_start()));
    }
    let (number, rest) = text.split_once(". ")?;
    let is_number =
        !number.is_empty() && number.len() < 3 && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((number, rest.trim_start()))
}

fn print(page: &mut Page, block: &Block) {
    match block {
        Block::Heading(text) => page.heading(text, ""),
        Block::Paragraph(text) => {
            page.para(2, PLAIN, &inline(text));
            page.blank();
        }
        Block::Item(marker, text) => {
            let lead = if marker == "•" { "• ".to_owned() } else { format!("{marker}. ") };
            page.led(2, (PLAIN, &lead), PLAIN, &inline(text));
        }
        Block::Code(code) => {
            page.statement(4, code);
            page.blank();
        }
    }
}

/// Inline Markdown as plain words: code keeps its backticks, a link shows its address.
fn inline(text: &str) -> String {
    let mut out = String::new();
    for (place, part) in text.split('`').enumerate() {
        if place % 2 == 1 {
            out.push('`');
            out.push_str(part);
            out.push('`');
        } else {
            out.push_str(&links(&part.replace("**", "")));
        }
    }
    out
}

/// `[text](address)` as `text (address)`, `<address>` as the address, `*word*` as the word.
fn links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        let Some((label, after)) = rest[start + 1..].split_once("](") else { break };
        let Some((address, tail)) = after.split_once(')') else { break };
        out.push_str(&rest[..start]);
        append!(out, "{label} ({address})");
        rest = tail;
    }
    out.push_str(rest);
    let words = out.split(' ').map(|word| {
        let bare = word.strip_prefix("<http").and_then(|w| w.strip_suffix('>'));
        bare.map_or_else(|| emphasised(word), |address| format!("http{address}"))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A word without the stars of emphasis around it.
fn emphasised(word: &str) -> String {
    let inner = word.strip_prefix('*').and_then(|w| w.strip_suffix('*'));
    inner.filter(|w| !w.is_empty()).unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_split_into_blocks() {
        let text =
            "## What\n\nOne\ntwo.\n\n- a\n  b\n1. c\n\n```sql\nselect 1;\n\nselect 2;\n```\nend";
        assert_eq!(
            blocks(text),
            [
                Block::Heading("What".into()),
                Block::Paragraph("One two.".into()),
                Block::Item("•".into(), "a b".into()),
                Block::Item("1".into(), "c".into()),
                Block::Code("select 1;\n\nselect 2;".into()),
                Block::Paragraph("end".into()),
            ]
        );
    }

    #[test]
    fn inline_marks_become_words() {
        assert_eq!(inline("**never** `a*b*` *x*"), "never `a*b*` x");
        assert_eq!(
            inline("see [it](https://e.org/a) and <https://e.org>"),
            "see it (https://e.org/a) and https://e.org"
        );
        assert_eq!(inline("a [ b ]( c"), "a [ b ]( c");
    }
}
