//! One self-contained HTML file: no network, no fonts, usable without script, readable on paper.

mod charts;
mod closing;
mod cluster;
mod findings;
pub(crate) mod sheet;
mod statement;
mod table;
mod view;

use askama::Template;
use dbvitals_model::report::Report;

use self::table::Cell;

/// Styles, in the file itself.
const STYLE: &str = include_str!("../templates/report.css");
/// Filters, search and copy buttons; nothing is lost without them.
const SCRIPT: &str = include_str!("../templates/report.js");

/// The page: every text in it is ready to show, and the template escapes all of it.
#[derive(Debug, Template)]
#[template(path = "report.html", whitespace = "minimize")]
struct Page<'a> {
    style: &'static str,
    script: &'static str,
    report: &'a Report,
    head: view::Head,
    clusters: Vec<cluster::Cluster>,
    statements: Vec<statement::Statement>,
    has_health: bool,
    /// No check could run: findings and coverage are left out.
    is_by_text: bool,
    components: Vec<view::Component>,
    metrics: Vec<view::Metric>,
    baseline: Option<view::Baseline>,
    charts: Vec<charts::Chart>,
    severities: Vec<findings::SeverityBlock>,
    ignored: Vec<closing::Ignored>,
    coverage: closing::Coverage,
    cost: Option<closing::Cost>,
}

/// The whole report as one HTML document.
pub fn render(report: &Report) -> Result<String, askama::Error> {
    let page = Page {
        style: STYLE,
        script: SCRIPT,
        report,
        head: view::head(report),
        clusters: cluster::all(report),
        statements: statement::all(report),
        has_health: crate::statement::has_health(report),
        is_by_text: crate::digest::is_by_text(report),
        components: view::components(report),
        metrics: view::metrics(report),
        baseline: view::baseline(report),
        charts: charts::all(report),
        severities: findings::all(report),
        ignored: closing::ignored(report),
        coverage: closing::coverage(report),
        cost: closing::cost(report),
    };
    let mut text = page.render()?;
    text.push('\n');
    Ok(text)
}
