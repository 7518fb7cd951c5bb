//! Golden files: every format, compared exactly. `UPDATE_GOLDEN=1 cargo test` writes them anew.

use std::path::PathBuf;

use dbvitals_report::{
    ColorChoice, explain, html, json, junit, list, markdown, sarif, schema, terminal,
};

use crate::sample;

fn compare(name: &str, actual: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; run with UPDATE_GOLDEN=1", path.display()));
    if actual != expected {
        let line = actual.lines().zip(expected.lines()).position(|(a, e)| a != e);
        panic!("{name} differs from its golden file, first at line {:?}", line.map(|l| l + 1));
    }
}

#[test]
fn terminal_at_80_columns() {
    compare("terminal.txt", &terminal::render(&sample::rich(), &terminal::Options::default()));
}

#[test]
fn terminal_painted() {
    let options = terminal::Options { color: ColorChoice::Always, ..Default::default() };
    compare("terminal-painted.txt", &terminal::render(&sample::rich(), &options));
}

#[test]
fn terminal_with_everything() {
    let options = terminal::Options { all: true, ..Default::default() };
    compare("terminal-all.txt", &terminal::render(&sample::rich(), &options));
}

#[test]
fn terminal_at_60_columns() {
    let options = terminal::Options { width: 60, ..Default::default() };
    compare("terminal-60.txt", &terminal::render(&sample::rich(), &options));
}

#[test]
fn terminal_of_a_healthy_server() {
    compare(
        "terminal-healthy.txt",
        &terminal::render(&sample::healthy(), &terminal::Options::default()),
    );
}

#[test]
fn statements_with_their_plans() {
    let report = sample::analysed();
    compare("statement.txt", &terminal::render(&report, &terminal::Options::default()));
    compare("statement.md", &markdown::render(&report));
    compare("statement.html", &html::render(&report).unwrap());
}

#[test]
fn json_and_its_schema() {
    compare("report.json", &json::pretty(&sample::rich()).unwrap());
    compare("schema.json", &schema::pretty().unwrap());
}

#[test]
fn markdown_of_both_reports() {
    compare("report.md", &markdown::render(&sample::rich()));
    compare("healthy.md", &markdown::render(&sample::healthy()));
}

#[test]
fn sarif_with_documented_rules() {
    let options = sarif::Options { anchor: Some("dbvitals.toml".to_owned()) };
    let text = sarif::render(&sample::rich(), &sample::docs(), &options).unwrap();
    compare("report.sarif", &text);
}

#[test]
fn junit_by_target_and_check() {
    compare(
        "report.junit.xml",
        &junit::render(&sample::rich(), &junit::Options::default()).unwrap(),
    );
}

#[test]
fn documentation_of_checks() {
    let docs = sample::docs();
    compare("explain.txt", &explain::render(&docs[0], 80, ColorChoice::Never));
    compare("explain.md", &explain::markdown(&docs[0]));
    compare("list.txt", &list::render(&docs, 80, ColorChoice::Never));
    compare("list.json", &list::json(&docs).unwrap());
}

#[test]
fn html_of_both_reports() {
    compare("report.html", &html::render(&sample::rich()).unwrap());
    compare("healthy.html", &html::render(&sample::healthy()).unwrap());
}
