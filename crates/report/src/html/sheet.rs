//! Sheets as one self-contained page: facts, remarks, tables with bars.

use askama::Template;
use dbvitals_model::{Sheet, Unit, report::Overview};

use super::{
    STYLE,
    charts::{self, Chart},
    table::{Cell, Column, Table},
};
use crate::{humanize, visible, words};

/// The page: every text in it is ready to show, and the template escapes all of it.
#[derive(Debug, Template)]
#[template(path = "sheets.html", whitespace = "minimize")]
struct Page {
    style: &'static str,
    title: String,
    sheets: Vec<Shown>,
}

/// One sheet, ready to show.
#[derive(Debug)]
struct Shown {
    title: String,
    target: String,
    server: String,
    at: String,
    facts: Table,
    notes: Vec<String>,
    missing: Vec<Missing>,
    charts: Vec<Chart>,
}

/// What could not be read.
#[derive(Debug)]
struct Missing {
    what: String,
    why: String,
    remedy: Option<String>,
}

/// The sheets as one HTML document.
pub(crate) fn render(sheets: &[Sheet]) -> Result<String, askama::Error> {
    let sheets: Vec<Shown> = sheets.iter().map(shown).collect();
    let title = sheets.first().map_or_else(String::new, |first| first.title.clone());
    let mut text = Page { style: STYLE, title, sheets }.render()?;
    text.push('\n');
    Ok(text)
}

fn shown(sheet: &Sheet) -> Shown {
    let chart = |table: &Overview| {
        let drawn =
            table.columns.iter().position(|it| it.unit == Unit::Ratio && it.label == "share");
        // The page says above whose tables these are.
        Chart { target: String::new(), ..charts::chart(table, drawn) }
    };
    Shown {
        title: visible::inline(&words::capitalised(crate::sheet::title(sheet))),
        target: visible::inline(&sheet.target),
        server: visible::inline(&sheet.server),
        at: humanize::timestamp(sheet.at),
        facts: facts(sheet),
        notes: sheet.notes.iter().map(|note| visible::inline(note)).collect(),
        missing: sheet
            .missing
            .iter()
            .map(|missing| Missing {
                what: visible::inline(&missing.what),
                why: visible::inline(&missing.why.detail),
                remedy: missing.why.remedy.as_deref().map(visible::inline),
            })
            .collect(),
        charts: sheet.tables.iter().map(chart).collect(),
    }
}

fn facts(sheet: &Sheet) -> Table {
    let column = |label: &str, is_text| Column { label: label.to_owned(), is_text };
    let row = |fact: &dbvitals_model::Evidence| {
        vec![
            Cell::Heading(visible::inline(&words::capitalised(&fact.label))),
            Cell::Number(visible::inline(&humanize::measure(&fact.value, fact.unit))),
            Cell::Text(visible::inline(&fact.source)),
        ]
    };
    Table {
        columns: vec![column("What", true), column("Value", false), column("Source", true)],
        rows: sheet.facts.iter().map(row).collect(),
    }
}
