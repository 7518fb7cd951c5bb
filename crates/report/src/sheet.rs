//! Sheets: what a look into one server shows, for the terminal, as Markdown, HTML and JSON.

use dbvitals_model::{
    Measure, Sheet, Unit,
    report::{Overview, OverviewColumn},
};

use crate::{
    ColorChoice, html, humanize, json,
    markdown::escape,
    page::{DIM, FAIR, NOTE, PLAIN, Page, STRONG},
    table::{Align, Table, cell},
    words,
};

/// Sheets for a terminal.
pub fn terminal(sheets: &[Sheet], width: usize, color: ColorChoice) -> String {
    let mut page = Page::new(width, color);
    for (place, sheet) in sheets.iter().enumerate() {
        if place > 0 {
            page.blank();
        }
        page.heading(&format!("{} · {}", sheet.target, title(sheet)), &sheet.server);
        facts(&mut page, sheet);
        for table in &sheet.tables {
            page.blank();
            page.line(0, &[(STRONG, table.title.as_str())]);
            print(&mut page, table);
        }
        if !sheet.notes.is_empty() {
            page.blank();
        }
        for note in &sheet.notes {
            page.led(0, (NOTE, "→ "), PLAIN, note);
        }
        for missing in &sheet.missing {
            page.blank();
            let text = format!("{}: {}", missing.what, missing.why.detail);
            page.led(0, (FAIR, "not shown: "), PLAIN, &text);
            if let Some(remedy) = &missing.why.remedy {
                page.led(2, (DIM, "opened by: "), NOTE, remedy);
            }
        }
    }
    page.finish()
}

/// Sheets as GitHub-flavoured Markdown.
pub fn markdown(sheets: &[Sheet]) -> String {
    let mut out = String::new();
    for sheet in sheets {
        append!(out, "# {}: {}\n\n", escape::text(&sheet.target), title(sheet));
        let (server, at) = (escape::text(&sheet.server), humanize::timestamp(sheet.at));
        append!(out, "{server} · {at}\n\n");
        if !sheet.facts.is_empty() {
            out.push_str("| What | Value | Source |\n|---|--:|---|\n");
            for fact in &sheet.facts {
                let value = humanize::measure(&fact.value, fact.unit);
                let (label, source) = (words::capitalised(&fact.label), &fact.source);
                let [label, value, source] = [&label, &value, source].map(|it| escape::cell(it));
                append!(out, "| {label} | {value} | {source} |\n");
            }
            out.push('\n');
        }
        for table in &sheet.tables {
            append!(out, "## {}\n\n|", escape::text(&table.title));
            markdown_table(&mut out, table);
        }
        for note in &sheet.notes {
            append!(out, "- {}\n", escape::text(note));
        }
        for missing in &sheet.missing {
            let text = format!("{}: {}", missing.what, missing.why.detail);
            append!(out, "- **Not shown:** {}", escape::text(&text));
            if let Some(remedy) = &missing.why.remedy {
                append!(out, "; opened by {}", escape::code(remedy));
            }
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

/// Sheets as one self-contained HTML file.
///
/// # Errors
///
/// If the page cannot be written, which is a defect.
pub fn html(sheets: &[Sheet]) -> Result<String, askama::Error> {
    html::sheet::render(sheets)
}

/// One sheet as indented JSON.
pub fn pretty(sheet: &Sheet) -> Result<String, serde_json::Error> {
    Ok(json::printable(&serde_json::to_string_pretty(&writable(sheet))?))
}

/// One sheet as JSON with one more member: all that the tables show a part of.
pub fn pretty_with(
    sheet: &Sheet,
    name: &str,
    value: serde_json::Value,
) -> Result<String, serde_json::Error> {
    let mut all = serde_json::to_value(writable(sheet))?;
    if let Some(members) = all.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    Ok(json::printable(&serde_json::to_string_pretty(&all)?))
}

/// One sheet as a line of JSON.
pub fn line(sheet: &Sheet) -> Result<String, serde_json::Error> {
    Ok(json::printable(&serde_json::to_string(&writable(sheet))?))
}

/// `redis-slowlog` is the slowlog.
pub(crate) fn title(sheet: &Sheet) -> &str {
    sheet.id.split_once('-').map_or(sheet.id.as_str(), |(_, title)| title)
}

fn facts(page: &mut Page, sheet: &Sheet) {
    let mut table = Table::plain(&[Align::Left, Align::Right, Align::Left]);
    for fact in &sheet.facts {
        table.row(vec![
            cell(fact.label.as_str()),
            (STRONG, humanize::measure(&fact.value, fact.unit)),
            (DIM, fact.source.clone()),
        ]);
    }
    table.print(page, 0);
}

fn print(page: &mut Page, overview: &Overview) {
    let align = |unit| if unit == Unit::Text { Align::Left } else { Align::Right };
    let columns: Vec<(&str, Align)> =
        overview.columns.iter().map(|it| (it.label.as_str(), align(it.unit))).collect();
    let mut table = Table::headed(&columns).whole_first();
    // A terminal is narrow: columns of nothing but zeros are left out, as empty ones are.
    let is_zero = |place: usize| {
        let zero = |row: &Vec<Measure>| matches!(row.get(place), Some(Measure::Number(0.0)));
        overview.rows.len() > 1 && overview.rows.iter().all(zero)
    };
    let zeros: Vec<bool> = (0..columns.len()).map(is_zero).collect();
    for row in &overview.rows {
        let cells = row.iter().zip(&overview.columns).zip(&zeros);
        let text = |((value, column), is_zero): ((&Measure, &OverviewColumn), &bool)| {
            cell(if *is_zero { String::new() } else { shown(value, column.unit) })
        };
        table.row(cells.map(text).collect());
    }
    table.print(page, 0);
}

/// A value in the words of its unit; a number that is none is an empty cell.
fn shown(value: &Measure, unit: Unit) -> String {
    match value {
        Measure::Number(number) if !number.is_finite() => String::new(),
        value => humanize::measure(value, unit),
    }
}

fn markdown_table(out: &mut String, table: &Overview) {
    for column in &table.columns {
        append!(out, " {} |", escape::cell(&words::capitalised(&column.label)));
    }
    out.push_str("\n|");
    for column in &table.columns {
        out.push_str(if column.unit == Unit::Text { "---|" } else { "--:|" });
    }
    out.push('\n');
    for row in &table.rows {
        out.push('|');
        for (value, column) in row.iter().zip(&table.columns) {
            append!(out, " {} |", escape::cell(&shown(value, column.unit)));
        }
        out.push('\n');
    }
    out.push('\n');
}

/// The sheet with the numbers JSON cannot hold turned into words.
fn writable(sheet: &Sheet) -> Sheet {
    let mut sheet = sheet.clone();
    let cells = sheet.tables.iter_mut().flat_map(|table| &mut table.rows).flatten();
    cells.chain(sheet.facts.iter_mut().map(|fact| &mut fact.value)).for_each(json::say);
    sheet
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Unavailable};

    use super::*;

    fn sheet() -> Sheet {
        let mut sheet =
            Sheet::new("redis-slowlog", "cache", "Redis 7.0.15", jiff::Timestamp::UNIX_EPOCH);
        sheet.fact("entries", 3, Unit::Count, "SLOWLOG LEN");
        let rows = vec![
            vec!["get|x".into(), Measure::Number(1.5), Measure::Number(f64::NAN)],
            vec!["keys\u{1b}[2J".into(), Measure::Number(2000.0), Measure::Number(0.5)],
        ];
        let columns = [("command", Unit::Text), ("mean", Unit::Ms), ("share", Unit::Ratio)];
        sheet.table("shapes", "By shape", &columns, rows);
        sheet.table("none", "Nothing", &columns, Vec::new());
        sheet.note("raise the length of the log");
        let why = Unavailable::with_remedy(Reason::Permission, "refused", "ACL SETUSER a +x");
        sheet.misses("settings", &why);
        sheet
    }

    #[test]
    fn a_terminal_page_has_facts_tables_notes_and_what_is_missing() {
        let text = terminal(&[sheet()], 60, ColorChoice::Never);
        assert_eq!(
            text,
            "── cache · slowlog ── Redis 7.0.15 ─────────────────────────\n\
             entries  3  SLOWLOG LEN\n\nBy shape\n\
             command        mean  share\n\
             get|x        1.5 ms\n\
             keys\\x1b[2J     2 s   50 %\n\n\
             → raise the length of the log\n\n\
             not shown: settings: refused\n  opened by: ACL SETUSER a +x\n"
        );
    }

    #[test]
    fn markdown_and_json_hold_the_same_values() {
        let text = markdown(&[sheet()]);
        assert!(text.contains("| get\\|x | 1.5 ms |  |"), "{text}");
        assert!(text.contains("opened by `ACL SETUSER a +x`"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&line(&sheet()).unwrap()).unwrap();
        assert_eq!(value["tables"][0]["rows"][1][1], 2000.0);
        assert_eq!(value["tables"][0]["rows"][0][2], "unknown");
        assert_eq!(value["missing"][0]["reason"], "permission");
        assert_eq!(line(&sheet()).unwrap().lines().count(), 1);
        assert!(pretty(&sheet()).unwrap().lines().count() > 20);
    }

    #[test]
    fn a_page_holds_the_same_values_and_no_foreign_markup() {
        let mut sheet = sheet();
        sheet.note("<script>alert(1)</script>");
        let page = html(&[sheet]).unwrap();
        for part in ["1.5 ms", "50 %", "keys\\x1b[2J", "Opened by</strong> ACL SETUSER a +x"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains("<script") && page.contains("default-src 'none'"), "{page}");
        assert!(page.contains("class=\"bar\""), "a share has a bar");
    }
}
