//! A page of a terminal: wraps to its width, paints, and is the only writer of escape sequences.

use anstyle::{AnsiColor, Style};
use textwrap::{WordSeparator, WordSplitter, WrapAlgorithm};

use crate::visible;

/// Whether a terminal page is painted. What a terminal can do is for the caller to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Plain text, without any escape sequence.
    #[default]
    Never,
    /// Sixteen-colour escape sequences.
    Always,
}

/// Nothing.
pub(crate) const PLAIN: Style = Style::new();
/// Headings and messages.
pub(crate) const STRONG: Style = Style::new().bold();
/// Sources and asides.
pub(crate) const DIM: Style = Style::new().dimmed();
/// As wanted.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Should be mended.
pub(crate) const FAIR: Style = AnsiColor::Yellow.on_default();
/// At risk.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Worth knowing; commands.
pub(crate) const NOTE: Style = AnsiColor::Cyan.on_default();

/// A text under construction.
#[derive(Debug)]
pub(crate) struct Page {
    out: String,
    width: usize,
    color: ColorChoice,
}

impl Page {
    /// An empty page; narrower than 40 cells is taken as 40.
    pub(crate) fn new(width: usize, color: ColorChoice) -> Self {
        Self { out: String::new(), width: width.max(40), color }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// An empty line.
    pub(crate) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// A rule across the page with a title and a note in it.
    pub(crate) fn heading(&mut self, title: &str, note: &str) {
        let note = visible::clip(note, self.width.saturating_sub(title.len() + 10));
        let mut used = 4 + visible::width(title);
        self.out.push_str("── ");
        self.paint(STRONG, title);
        self.out.push(' ');
        if !note.is_empty() {
            used += visible::width(&note) + 4;
            self.out.push_str("── ");
            self.out.push_str(&note);
            self.out.push(' ');
        }
        self.out.push_str(&"─".repeat(self.width.saturating_sub(used)));
        self.out.push('\n');
    }

    /// One line of painted pieces; the caller has seen to its width.
    pub(crate) fn line(&mut self, indent: usize, pieces: &[(Style, &str)]) {
        self.out.push_str(&" ".repeat(indent));
        for (style, text) in pieces {
            self.paint(*style, &visible::inline(text));
        }
        self.trim_line();
        self.out.push('\n');
    }

    /// A paragraph, wrapped and indented.
    pub(crate) fn para(&mut self, indent: usize, style: Style, text: &str) {
        self.led(indent, (PLAIN, ""), style, text);
    }

    /// A paragraph whose first line begins with a lead, and whose other lines hang below the text.
    pub(crate) fn led(&mut self, indent: usize, lead: (Style, &str), style: Style, text: &str) {
        let lead_width = visible::width(lead.1);
        let hang = indent + if lead_width <= 12 { lead_width } else { 2 };
        let first = indent + lead_width;
        let lines = wrap(text, self.width, first, hang);
        for (place, line) in lines.iter().enumerate() {
            if place == 0 {
                self.out.push_str(&" ".repeat(indent));
                self.paint(lead.0, lead.1);
            } else {
                self.out.push_str(&" ".repeat(hang));
            }
            self.paint(style, line);
            self.trim_line();
            self.out.push('\n');
        }
    }

    /// A statement or command to paste: never wrapped. It is indented only where that cannot change
    /// what it means, i.e. not when a quoted name or text goes over a line break.
    pub(crate) fn statement(&mut self, indent: usize, text: &str) {
        let shown = visible::block(text);
        let spans_quote = shown.contains('\n') && shown.contains(['\'', '"', '$']);
        let margin = " ".repeat(if spans_quote { 0 } else { indent });
        for line in shown.split('\n') {
            self.out.push_str(&margin);
            self.paint(NOTE, line);
            self.trim_line();
            self.out.push('\n');
        }
        if visible::is_altered(text) {
            self.para(
                indent,
                DIM,
                "(holds control characters, spelled out here: take it from the JSON report)",
            );
        }
    }

    /// Text in a style, if the page is painted at all.
    pub(crate) fn paint(&mut self, style: Style, text: &str) {
        if self.color == ColorChoice::Never || style == PLAIN || text.trim().is_empty() {
            self.out.push_str(text);
        } else {
            append!(self.out, "{style}{text}{style:#}");
        }
    }

    /// Raw text that is already visible and laid out.
    pub(crate) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Takes trailing blanks off the line being written.
    pub(crate) fn trim_line(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
    }
}

/// Wraps one-line text into a width, given the indents that the lines will be printed with.
pub(crate) fn wrap(text: &str, width: usize, first: usize, rest: usize) -> Vec<String> {
    wrapped(text, width, first, rest, WordSplitter::NoHyphenation)
}

/// Wraps one-line text into a cell: names break after their hyphens before they break anywhere.
pub(crate) fn wrap_cell(text: &str, width: usize) -> Vec<String> {
    wrapped(text, width, 0, 0, WordSplitter::HyphenSplitter)
}

fn wrapped(
    text: &str,
    width: usize,
    first: usize,
    rest: usize,
    splitter: WordSplitter,
) -> Vec<String> {
    let text = visible::inline(text);
    let (lead, hang) = (" ".repeat(first), " ".repeat(rest));
    let options = textwrap::Options::new(width)
        .initial_indent(&lead)
        .subsequent_indent(&hang)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(splitter)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let mut lines: Vec<String> = textwrap::wrap(text.trim(), options)
        .iter()
        .enumerate()
        .map(|(place, line)| {
            let indent = if place == 0 { first } else { rest };
            line.get(indent..).unwrap_or_default().trim_end().to_owned()
        })
        .collect();
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// A bar of so many cells, filled to a share between 0 and 1.
pub(crate) fn bar(share: f64, cells: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the number of cells"
    )]
    let full = (share.clamp(0.0, 1.0) * cells as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(cells.saturating_sub(full)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_hang_below_their_lead() {
        let mut page = Page::new(40, ColorChoice::Never);
        page.led(
            2,
            (STRONG, "Effect: "),
            PLAIN,
            "frees four hundred megabytes and makes writes cheaper",
        );
        assert_eq!(
            page.finish(),
            "  Effect: frees four hundred megabytes\n          and makes writes cheaper\n"
        );
    }

    #[test]
    fn a_statement_over_lines_inside_quotes_is_not_indented() {
        let mut page = Page::new(40, ColorChoice::Never);
        page.statement(4, "drop index \"a\nb\";");
        page.statement(4, "select 1\nfrom t;");
        assert_eq!(page.finish(), "drop index \"a\nb\";\n    select 1\n    from t;\n");
    }

    #[test]
    fn only_the_page_paints() {
        let mut page = Page::new(40, ColorChoice::Always);
        page.para(0, BAD, "x\x1b[2Jy");
        assert_eq!(page.finish(), "\u{1b}[31mx\\x1b[2Jy\u{1b}[0m\n");
    }

    #[test]
    fn bars_are_full_at_one() {
        assert_eq!(bar(0.5, 4), "██░░");
        assert_eq!(bar(2.0, 4), "████");
        assert_eq!(bar(-1.0, 4), "░░░░");
    }
}
