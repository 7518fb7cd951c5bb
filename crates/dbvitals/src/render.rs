//! A report in the format that was asked for.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use dbvitals_model::report::Report;
use dbvitals_report::{ColorChoice, html, json, junit, markdown, sarif, terminal};

use crate::{
    args::showing::{Color, Format, Showing},
    catalogue, environment, output,
    problem::Problem,
};

/// Widest terminal report: longer lines are hard to read.
const MAX_WIDTH: usize = 120;

/// Files to write with the format their ending chooses.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<(&Path, Format)>, Problem> {
    paths.iter().map(|path| Ok((path.as_path(), format_of(path)?))).collect()
}

fn format_of(path: &Path) -> Result<Format, Problem> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html" | "htm") => Ok(Format::Html),
        Some("md" | "markdown") => Ok(Format::Markdown),
        Some("json") => Ok(Format::Json),
        Some("sarif") => Ok(Format::Sarif),
        Some("xml") => Ok(Format::Junit),
        Some("txt") => Ok(Format::Terminal),
        _ => Err(Problem::usage(format!("{}: no format has that ending", path.display()))
            .hint("use .html, .md, .json, .sarif, .xml (JUnit) or .txt")),
    }
}

/// Style of a report in a file: plain, complete.
pub(crate) fn for_file() -> terminal::Options {
    terminal::Options { width: 100, color: ColorChoice::Never, all: true, ..Default::default() }
}

/// Style of a report on standard output.
pub(crate) fn for_terminal(wanted: Color, width: Option<u16>, all: bool) -> terminal::Options {
    terminal::Options {
        width: width.map_or_else(columns, usize::from),
        color: color(wanted),
        all,
        ..Default::default()
    }
}

/// Columns to write for, when nobody says.
pub(crate) fn columns() -> usize {
    environment::terminal_width().unwrap_or(80).clamp(40, MAX_WIDTH)
}

/// Colour as it was asked for; otherwise on a terminal whose user has not asked for none.
pub(crate) fn color(wanted: Color) -> ColorChoice {
    let is_painted = match wanted {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stdout().is_terminal() && environment::variable("NO_COLOR").is_none()
        }
    };
    if is_painted { ColorChoice::Always } else { ColorChoice::Never }
}

/// Writes the report into the files that were asked for, then to standard output.
pub(crate) fn show(report: &Report, showing: &Showing) -> Result<(), Problem> {
    for (path, format) in files(&showing.output)? {
        output::file(path, text(report, format, &for_file())?.as_bytes())?;
        if !showing.quiet {
            output::talk(&format!("wrote {}", path.display()));
        }
    }
    let style = for_terminal(showing.color, showing.width, showing.all);
    output::data(&text(report, showing.format, &style)?)
}

/// The report as text.
pub(crate) fn text(
    report: &Report,
    format: Format,
    style: &terminal::Options,
) -> Result<String, Problem> {
    let broken = |error: &dyn std::fmt::Display| {
        Problem::internal(format!("cannot write the report: {error}"))
    };
    match format {
        Format::Terminal => Ok(terminal::render(report, style)),
        Format::Json => json::pretty(report).map_err(|error| broken(&error)),
        Format::Markdown => Ok(markdown::render(report)),
        Format::Html => html::render(report).map_err(|error| broken(&error)),
        Format::Sarif => sarif::render(report, &catalogue::docs(), &sarif::Options::default())
            .map_err(|error| broken(&error)),
        Format::Junit => {
            junit::render(report, &junit::Options::default()).map_err(|error| broken(&error))
        }
    }
}
