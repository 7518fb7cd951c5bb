//! Tables as `table.html` lays them out.

/// Headings and rows of the same length.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A column's heading.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) label: String,
    /// Words stand at the left, numbers at the right.
    pub(super) is_text: bool,
}

/// One cell, ready to show.
#[derive(Debug)]
pub(super) enum Cell {
    /// What the row is about.
    Heading(String),
    /// The name of a thing on a server, as it is written there.
    Name(String),
    /// Words.
    Text(String),
    /// A number with its unit.
    Number(String),
    /// A number with a bar, `width` of 100 long.
    Bar { text: String, width: String },
}
