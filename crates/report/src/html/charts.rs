//! Charts as inline SVG: rings for scores, bars for leading figures.

use dbvitals_model::{
    Measure, Unit,
    report::{Overview, OverviewColumn, Report},
};

use super::{
    table::{Cell, Column, Table},
    view::tone,
};
use crate::{humanize, visible, words};

/// Circumference of the ring's circle, whose radius is 52.
const AROUND: f64 = 326.726;

/// A column all of whose texts are this short, in characters, is words, not names.
const SHORT: usize = 16;

/// A score as a ring.
#[derive(Debug)]
pub(super) struct Ring {
    pub(super) score: String,
    pub(super) tone: &'static str,
    /// Length of the arc.
    pub(super) arc: String,
    /// Length of the rest.
    pub(super) gap: String,
}

/// A table of leading figures with bars.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) target: String,
    pub(super) note: Option<String>,
    pub(super) table: Table,
}

/// The ring of a score between 0 and 100.
pub(super) fn ring(score: f64) -> Ring {
    let arc = AROUND * score.clamp(0.0, 100.0) / 100.0;
    Ring {
        score: humanize::score(score),
        tone: tone(score),
        arc: format!("{arc:.1}"),
        gap: format!("{:.1}", AROUND - arc),
    }
}

/// All tables of leading figures that have rows.
pub(super) fn all(report: &Report) -> Vec<Chart> {
    let drawn = |table: &Overview| table.columns.iter().position(|c| c.unit != Unit::Text);
    let tables = report.overview.iter().filter(|table| !table.rows.is_empty());
    tables.map(|table| chart(table, drawn(table))).collect()
}

/// One table with bars at the column `drawn`.
pub(super) fn chart(table: &Overview, drawn: Option<usize>) -> Chart {
    let largest = drawn.map_or(0.0, |column| {
        table.rows.iter().filter_map(|row| number(row.get(column)?)).fold(0.0, f64::max)
    });
    let is_short = |place: usize| {
        let text = |row: &Vec<Measure>| row.get(place).map_or(0, length);
        place > 0 && table.rows.iter().all(|row| text(row) <= SHORT)
    };
    let cell = |(place, (value, column)): (usize, (&Measure, &OverviewColumn))| {
        let text = visible::inline(&humanize::measure(value, column.unit));
        match number(value).filter(|_| drawn == Some(place) && largest > 0.0) {
            _ if column.unit == Unit::Text && is_short(place) => Cell::Text(text),
            _ if column.unit == Unit::Text => Cell::Name(text),
            Some(v) => Cell::Bar { text, width: format!("{:.2}", 100.0 * v.max(0.0) / largest) },
            None => Cell::Number(text),
        }
    };
    let row = |row: &Vec<Measure>| row.iter().zip(&table.columns).enumerate().map(cell).collect();
    let column = |column: &OverviewColumn| Column {
        label: visible::inline(&words::capitalised(&column.label)),
        is_text: column.unit == Unit::Text,
    };
    Chart {
        note: table.note.as_deref().map(visible::inline),
        title: visible::inline(&table.title),
        target: visible::inline(&table.target),
        table: Table {
            columns: table.columns.iter().map(column).collect(),
            rows: table.rows.iter().map(row).collect(),
        },
    }
}

/// Characters of a text.
fn length(value: &Measure) -> usize {
    match value {
        Measure::Text(text) => text.chars().count(),
        Measure::Number(_) => 0,
    }
}

fn number(value: &Measure) -> Option<f64> {
    match value {
        Measure::Number(number) if number.is_finite() => Some(*number),
        _ => None,
    }
}
