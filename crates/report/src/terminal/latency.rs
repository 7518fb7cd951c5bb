//! Latency by statement class.

use dbvitals_model::{Measure, Unit, report::Report};

use crate::{
    humanize,
    page::{PLAIN, Page, STRONG},
    table::{Align, Table},
    words,
};

/// The tables of that name, one for each server that counts statements.
pub(super) fn block(page: &mut Page, report: &Report) {
    for overview in report.overview.iter().filter(|table| table.id == "latency-by-class") {
        page.heading("LATENCY", &overview.target);
        page.para(2, PLAIN, &overview.title);
        let headings: Vec<String> =
            overview.columns.iter().map(|column| words::capitalised(&column.label)).collect();
        let columns: Vec<(&str, Align)> = headings
            .iter()
            .zip(&overview.columns)
            .map(|(heading, column)| {
                let align = if column.unit == Unit::Text { Align::Left } else { Align::Right };
                (heading.as_str(), align)
            })
            .collect();
        let mut table = Table::headed(&columns);
        for row in &overview.rows {
            let cells = row.iter().zip(&overview.columns).map(|(value, column)| {
                let style = if matches!(value, Measure::Text(_)) { STRONG } else { PLAIN };
                (style, humanize::measure(value, column.unit))
            });
            table.row(cells.collect());
        }
        table.print(page, 2);
        page.blank();
    }
}
