//! What a look into one matter tells, a server's log or its policies: tables in short, and hours as bars.

use dbvitals_model::{
    Measure, Unit,
    report::{Overview, Report},
};

use crate::{
    humanize,
    page::{DIM, PLAIN, Page, bar},
    table::{Align, Table, cell},
    visible,
};

/// By which the tables of a look begin, and what it is called.
const LOOKS: [(&str, &str); 2] = [("log-", "THE LOG"), (POLICIES, "ROW-LEVEL SECURITY")];
/// Tables about policies: their texts are there to be read and pasted, and wrap instead of being cut.
const POLICIES: &str = "rls-";
/// The table that is drawn as bars.
const HOURS: &str = "log-hours";
/// The table that is never shortened.
const UNSEEN: &str = "rls-unseen";
/// Rows of a table, unless everything is wanted; the last day of the hours.
const ROWS: usize = 8;
const HOUR_ROWS: usize = 24;
/// More columns than these stand over the text they belong to.
const MOST_COLUMNS: usize = 6;
/// Columns of the hours about statements and errors: the first ones.
const WORK: usize = 5;
/// Bytes of `2026-`.
const YEAR: usize = 5;
/// Cells of a bar.
const BAR: usize = 10;

/// Every table of a look, by target.
pub(super) fn block(page: &mut Page, report: &Report, all: bool) {
    let mut last = None;
    let named = |table: &Overview| LOOKS.iter().find(|(mark, _)| table.id.starts_with(mark));
    for table in &report.overview {
        let Some((_, heading)) = named(table) else { continue };
        if last != Some(&table.target) {
            page.heading(heading, &table.target);
            if let Some(note) = &table.note {
                page.para(2, PLAIN, note);
            }
            last = Some(&table.target);
        }
        page.blank();
        page.para(2, PLAIN, &visible::inline(&table.title));
        if table.id == HOURS {
            hours(page, table, all);
        } else {
            one(page, table, all);
        }
    }
    if last.is_some() {
        page.blank();
    }
}

fn align(unit: Unit) -> Align {
    if unit == Unit::Text { Align::Left } else { Align::Right }
}

fn one(page: &mut Page, overview: &Overview, all: bool) {
    let columns: Vec<(&str, Align)> =
        overview.columns.iter().map(|column| (column.label.as_str(), align(column.unit))).collect();
    let shown = if all || overview.id == UNSEEN { overview.rows.len() } else { ROWS };
    if columns.len() > MOST_COLUMNS {
        over_texts(page, overview, &columns, shown);
        more(page, overview.rows.len().saturating_sub(shown));
        return;
    }
    // Where many columns stand beside it, a text has less room.
    let room = match overview.columns.len() {
        _ if overview.id.starts_with(POLICIES) => usize::MAX,
        5.. => 36,
        _ => 56,
    };
    let mut table = Table::headed(&columns);
    for row in overview.rows.iter().take(shown) {
        let cells = row.iter().zip(&overview.columns).map(|(value, column)| {
            cell(visible::clip(&humanize::measure(value, column.unit), room))
        });
        table.row(cells.collect());
    }
    table.print(page, 2);
    more(page, overview.rows.len().saturating_sub(shown));
}

/// Many figures of a text: they stand over it.
fn over_texts(page: &mut Page, overview: &Overview, columns: &[(&str, Align)], shown: usize) {
    let mut table = Table::headed(columns.get(1..).unwrap_or_default());
    let mut texts = Vec::new();
    for row in overview.rows.iter().take(shown) {
        let mut words = row
            .iter()
            .zip(&overview.columns)
            .map(|(value, column)| humanize::measure(value, column.unit));
        texts.push(visible::inline(&words.next().unwrap_or_default()));
        table.row(words.map(cell).collect());
    }
    table.print_over(page, 2, &texts, !overview.id.starts_with(POLICIES));
}

/// Hours with their busy time as bars; columns that are zero throughout are left out. Where they do not fit side by side,
/// statements and errors come first, and what else happened in a second table.
fn hours(page: &mut Page, overview: &Overview, all: bool) {
    let shown = if all { overview.rows.len() } else { HOUR_ROWS };
    let rows = &overview.rows[overview.rows.len().saturating_sub(shown)..];
    let used: Vec<usize> = (0..overview.columns.len())
        .filter(|place| rows.iter().any(|row| row.get(*place).is_some_and(says)))
        .collect();
    let whole = hours_of(overview, rows, &used, true, false);
    if whole.fits(page, 2) {
        whole.print(page, 2);
    } else {
        let (first, mut second): (Vec<usize>, Vec<usize>) =
            used.into_iter().partition(|place| *place < WORK);
        hours_of(overview, rows, &first, true, true).print(page, 2);
        if !second.is_empty() {
            second.insert(0, 0);
            page.blank();
            hours_of(overview, rows, &second, false, true).print(page, 2);
        }
    }
    more(page, overview.rows.len() - rows.len());
}

/// The hours with some of their columns.
fn hours_of(
    overview: &Overview,
    rows: &[Vec<Measure>],
    places: &[usize],
    has_bars: bool,
    is_narrow: bool,
) -> Table {
    let largest = rows.iter().map(|row| busy(row)).fold(0.0, f64::max);
    let mut columns: Vec<(&str, Align)> = places
        .iter()
        .filter_map(|place| overview.columns.get(*place))
        .map(|column| (column.label.as_str(), align(column.unit)))
        .collect();
    if has_bars {
        columns.insert(1, ("", Align::Left));
    }
    let mut table = Table::headed(&columns);
    for row in rows {
        let words = places.iter().filter_map(|place| {
            let words = humanize::measure(row.get(*place)?, overview.columns.get(*place)?.unit);
            // Where room is scarce the year goes.
            let is_hour = is_narrow && *place == 0;
            Some(if is_hour { words.get(YEAR..).unwrap_or(&words).to_owned() } else { words })
        });
        let mut cells: Vec<_> = words.map(cell).collect();
        if has_bars {
            cells.insert(1, cell(bar(busy(row) / largest.max(f64::MIN_POSITIVE), BAR)));
        }
        table.row(cells);
    }
    table
}

fn says(value: &Measure) -> bool {
    !matches!(value, Measure::Number(number) if *number == 0.0)
}

/// What the bar shows: time of statements, or their number where no time is known.
fn busy(row: &[Measure]) -> f64 {
    let number = |place: usize| match row.get(place) {
        Some(Measure::Number(number)) if number.is_finite() => *number,
        _ => 0.0,
    };
    if number(2) > 0.0 { number(2) } else { number(1) }
}

fn more(page: &mut Page, rows: usize) {
    if rows > 0 {
        page.para(2, DIM, &format!("and {rows} more (--all)"));
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::report::OverviewColumn;

    use super::*;
    use crate::ColorChoice;

    fn column(label: &str, unit: Unit) -> OverviewColumn {
        OverviewColumn { label: label.to_owned(), unit }
    }

    #[test]
    fn hours_are_bars_and_columns_without_a_number_are_left_out() {
        let row = |hour: &str, statements: f64| {
            vec![Measure::from(hour), statements.into(), 0.0.into(), 0.0.into()]
        };
        let overview = Overview {
            id: HOURS.to_owned(),
            target: "log".to_owned(),
            title: "Hour by hour".to_owned(),
            note: None,
            columns: vec![
                column("hour", Unit::Text),
                column("statements", Unit::Count),
                column("time", Unit::Ms),
                column("errors", Unit::Count),
            ],
            rows: vec![row("10:00", 50.0), row("11:00", 100.0)],
        };
        let mut page = Page::new(100, ColorChoice::Never);
        hours(&mut page, &overview, false);
        let text = page.finish();
        assert!(text.contains(&format!("{}{}", "█".repeat(5), "░".repeat(5))), "{text}");
        assert!(text.contains(&"█".repeat(10)) && !text.contains("errors"), "{text}");
    }

    #[test]
    fn on_a_narrow_page_hours_are_two_tables() {
        let labels =
            ["hour (UTC)", "statements", "time", "P95", "errors", "connections", "most a second"];
        let columns = labels.into_iter().enumerate();
        let unit = |place| if place == 0 { Unit::Text } else { Unit::Count };
        let overview = Overview {
            id: HOURS.to_owned(),
            target: "log".to_owned(),
            title: "Hour by hour".to_owned(),
            note: None,
            columns: columns.map(|(place, label)| column(label, unit(place))).collect(),
            rows: vec![
                std::iter::once(Measure::from("2026-02-01 06:00"))
                    .chain((1..7).map(|place| Measure::from(f64::from(place))))
                    .collect(),
            ],
        };
        let printed = |width| {
            let mut page = Page::new(width, ColorChoice::Never);
            hours(&mut page, &overview, false);
            page.finish()
        };
        assert_eq!(printed(120).matches("2026-02-01 06:00").count(), 1);
        let narrow = printed(70);
        assert_eq!(narrow.matches("02-01 06:00").count(), 2, "{narrow}");
        assert!(!narrow.contains("2026"), "{narrow}");
        assert!(narrow.lines().count() == 5, "no cell wraps: {narrow}");
    }
}
