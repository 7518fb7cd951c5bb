//! Where the time of active sessions went: the tables of a watched window, which a terminal shows in short.

use dbvitals_model::{
    Unit,
    report::{Overview, Report},
};

use crate::{
    humanize,
    page::{DIM, PLAIN, Page},
    table::{Align, Table, cell},
    visible,
};

/// The tables shown, in their order.
const SHOWN: [&str; 3] = ["time-by-event", "time-by-statement", "blocking-trees"];
/// Rows of each, unless everything is wanted.
const ROWS: usize = 5;
/// Characters of a statement.
const TEXT_CHARS: usize = 60;

/// Every table about time, by target.
pub(super) fn block(page: &mut Page, report: &Report, all: bool) {
    let tables: Vec<&Overview> =
        report.overview.iter().filter(|table| SHOWN.contains(&table.id.as_str())).collect();
    if tables.is_empty() {
        return;
    }
    let mut last = "";
    for table in tables {
        if table.target != last {
            if !last.is_empty() {
                page.blank();
            }
            page.heading("WHERE TIME GOES", &table.target);
            if let Some(note) = &table.note {
                page.para(2, PLAIN, note);
            }
            last = &table.target;
        }
        page.blank();
        one(page, table, all);
    }
    page.blank();
}

fn one(page: &mut Page, overview: &Overview, all: bool) {
    let columns: Vec<(&str, Align)> = overview
        .columns
        .iter()
        .map(|column| {
            let is_text = column.unit == Unit::Text;
            (column.label.as_str(), if is_text { Align::Left } else { Align::Right })
        })
        .collect();
    let mut table = Table::headed(&columns);
    let shown = if all { overview.rows.len() } else { ROWS };
    for row in overview.rows.iter().take(shown) {
        let cells = row.iter().zip(&overview.columns).map(|(value, column)| {
            let words = humanize::measure(value, column.unit);
            cell(if all { words } else { visible::clip(&words, TEXT_CHARS) })
        });
        table.row(cells.collect());
    }
    table.print(page, 2);
    if overview.rows.len() > shown {
        let more = overview.rows.len() - shown;
        page.para(2, DIM, &format!("and {more} more (--all)"));
    }
}
