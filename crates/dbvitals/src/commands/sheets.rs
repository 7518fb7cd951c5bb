//! Printing what the looks into one matter saw.

use dbvitals_model::Sheet;
use dbvitals_report::sheet;

use crate::{
    args::sheet::{Common, Format},
    output,
    problem::Problem,
    render,
};

/// Prints sheets; JSON is one object for one server, else a list.
pub(crate) fn print(sheets: &[Sheet], common: &Common) -> Result<(), Problem> {
    match common.format {
        Format::Json => objects(sheets, sheet::pretty),
        _ => pages(sheets, common),
    }
}

/// Prints sheets with one more member in JSON: all that their tables show a part of.
pub(crate) fn print_with(
    sheets: &[(Sheet, serde_json::Value)],
    member: &str,
    common: &Common,
) -> Result<(), Problem> {
    if common.format == Format::Json {
        objects(sheets, |(sheet, value)| sheet::pretty_with(sheet, member, value.clone()))
    } else {
        let sheets: Vec<Sheet> = sheets.iter().map(|(sheet, _)| sheet.clone()).collect();
        pages(&sheets, common)
    }
}

fn pages(sheets: &[Sheet], common: &Common) -> Result<(), Problem> {
    output::data(&match common.format {
        Format::Markdown => sheet::markdown(sheets),
        Format::Html => page(sheets)?,
        Format::Terminal | Format::Json => {
            let style = render::for_terminal(common.color, None, false);
            sheet::terminal(sheets, style.width, style.color)
        }
    })
}

/// Whether something went wrong, or nothing of what was asked for can be shown.
pub(crate) fn is_partial(sheet: &Sheet) -> bool {
    sheet.missing.iter().any(|it| it.why.reason.went_wrong())
        || (sheet.tables.is_empty() && !sheet.missing.is_empty())
}

/// Sheets as one HTML file.
pub(crate) fn page(sheets: &[Sheet]) -> Result<String, Problem> {
    sheet::html(sheets)
        .map_err(|error| Problem::internal(format!("cannot write the page: {error}")))
}

fn objects<T>(
    all: &[T],
    object: impl Fn(&T) -> Result<String, serde_json::Error>,
) -> Result<(), Problem> {
    let texts: Result<Vec<String>, _> = all.iter().map(object).collect();
    let texts = texts.map_err(Problem::unwritten)?;
    output::data(&match texts.as_slice() {
        [one] => one.clone(),
        many => format!("[\n{}]\n", many.join(",")),
    })
}
