//! Tables for the terminal: columns shrink and wrap until the table fits the page.

use anstyle::Style;

use crate::{
    page::{NOTE, PLAIN, Page, STRONG, wrap_cell},
    visible,
};

/// Cells between two columns.
const GAP: usize = 2;
/// A column is not made narrower than this while another one can give.
const LEAST: usize = 6;

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table under construction.
#[derive(Debug)]
pub(crate) struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<(Style, String)>>,
    has_header: bool,
    first_is_whole: bool,
}

impl Table {
    /// A table without a header row.
    pub(crate) fn plain(aligns: &[Align]) -> Self {
        Self { aligns: aligns.to_vec(), rows: Vec::new(), has_header: false, first_is_whole: false }
    }

    /// A table with a header row.
    pub(crate) fn headed(columns: &[(&str, Align)]) -> Self {
        let mut table = Self::plain(&columns.iter().map(|(_, a)| *a).collect::<Vec<_>>());
        table.rows.push(columns.iter().map(|(h, _)| (STRONG, (*h).to_owned())).collect());
        table.has_header = true;
        table
    }

    /// The first column never wraps: it holds names that are to be copied.
    #[must_use]
    pub(crate) fn whole_first(mut self) -> Self {
        self.first_is_whole = true;
        self
    }

    /// Adds a row of painted cells, as many as columns.
    pub(crate) fn row(&mut self, cells: Vec<(Style, String)>) {
        let cells = cells.into_iter().map(|(s, text)| (s, visible::inline(&text)));
        self.rows.push(cells.collect());
    }

    /// Whether no cell has to wrap on this page.
    pub(crate) fn fits(&self, page: &Page, indent: usize) -> bool {
        self.widths(usize::MAX) == self.widths(page.width().saturating_sub(indent))
    }

    /// Writes the table onto a page.
    pub(crate) fn print(&self, page: &mut Page, indent: usize) {
        self.print_over(page, indent, &[], true);
    }

    /// Writes the table onto a page, each row of figures over the text it belongs to.
    pub(crate) fn print_over(
        &self,
        page: &mut Page,
        indent: usize,
        texts: &[String],
        is_cut: bool,
    ) {
        let widths = self.widths(page.width().saturating_sub(indent));
        let mut texts = texts.iter();
        for (place, row) in self.rows.iter().enumerate() {
            let cells: Vec<(Style, Vec<String>)> = row
                .iter()
                .zip(&widths)
                .map(|((style, text), width)| match width {
                    0 => (*style, Vec::new()),
                    _ => (*style, wrap_cell(text, *width)),
                })
                .collect();
            let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
            for line in 0..height {
                self.print_line(page, indent, line, &cells, &widths);
            }
            let is_header = self.has_header && place == 0;
            if let Some(text) = (!is_header).then(|| texts.next()).flatten() {
                if is_cut {
                    let room = page.width().saturating_sub(indent + 2);
                    page.line(indent + 2, &[(NOTE, &visible::clip(text, room))]);
                } else {
                    page.para(indent + 2, NOTE, text);
                }
            }
        }
    }

    fn print_line(
        &self,
        page: &mut Page,
        indent: usize,
        line: usize,
        cells: &[(Style, Vec<String>)],
        widths: &[usize],
    ) {
        page.push(&" ".repeat(indent));
        let mut first = true;
        for (((style, lines), width), align) in cells.iter().zip(widths).zip(&self.aligns) {
            if *width == 0 {
                continue;
            }
            if !first {
                page.push(&" ".repeat(GAP));
            }
            first = false;
            let text = lines.get(line).map_or("", String::as_str);
            let pad = " ".repeat(width.saturating_sub(visible::width(text)));
            if *align == Align::Right {
                page.push(&pad);
            }
            page.paint(*style, text);
            if *align == Align::Left {
                page.push(&pad);
            }
        }
        page.trim_line();
        page.push("\n");
    }

    /// Widths that fit: the widest column that may gives one cell at a time. Empty columns vanish.
    fn widths(&self, room: usize) -> Vec<usize> {
        let mut widths = vec![0; self.aligns.len()];
        for row in self.rows.iter().skip(usize::from(self.has_header)) {
            for (width, (_, text)) in widths.iter_mut().zip(row) {
                *width = (*width).max(visible::width(text));
            }
        }
        if self.has_header
            && let Some(header) = self.rows.first()
        {
            for (width, (_, text)) in widths.iter_mut().zip(header) {
                if *width > 0 {
                    *width = (*width).max(visible::width(text));
                }
            }
        }
        let columns = widths.iter().filter(|w| **w > 0).count();
        let room = room.saturating_sub(GAP * columns.saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let kept = usize::from(self.first_is_whole);
            let widest = widths.iter_mut().skip(kept).max_by_key(|w| **w);
            match widest {
                Some(width) if *width > LEAST || (*width > 1 && room < LEAST * columns) => {
                    *width -= 1;
                }
                _ => break,
            }
        }
        widths
    }
}

/// An unpainted cell.
pub(crate) fn cell(text: impl Into<String>) -> (Style, String) {
    (PLAIN, text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColorChoice;

    fn printed(table: &Table, width: usize) -> String {
        let mut page = Page::new(width, ColorChoice::Never);
        table.print(&mut page, 2);
        page.finish()
    }

    #[test]
    fn numbers_stand_right_and_text_left() {
        let mut table = Table::headed(&[("name", Align::Left), ("size", Align::Right)]);
        table.row(vec![cell("a"), cell("12 MB")]);
        table.row(vec![cell("orders"), cell("7 MB")]);
        assert_eq!(printed(&table, 40), "  name     size\n  a       12 MB\n  orders   7 MB\n");
    }

    #[test]
    fn the_widest_column_wraps() {
        let mut table = Table::plain(&[Align::Left, Align::Left]);
        table.row(vec![cell("key"), cell("a text that is by far too long for one line of it")]);
        let text = printed(&table, 40);
        assert_eq!(text, "  key  a text that is by far too long\n       for one line of it\n");
    }

    #[test]
    fn columns_without_content_take_no_room() {
        let mut table =
            Table::headed(&[("a", Align::Left), ("empty", Align::Left), ("b", Align::Left)]);
        table.row(vec![cell("1"), cell(""), cell("2")]);
        assert_eq!(printed(&table, 40), "  a  b\n  1  2\n");
    }
}
