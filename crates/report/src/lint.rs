//! What the linter found: for a terminal, as JSON, as SARIF.

use dbvitals_model::{
    Severity,
    lint::{LintRemark, LintReport, LintedFile},
};
use serde_json::{Value, json};

use crate::{
    ColorChoice, json as text,
    page::{BAD, DIM, FAIR, GOOD, NOTE, PLAIN, Page, STRONG},
};

/// For a terminal.
pub fn terminal(report: &LintReport, width: usize, color: ColorChoice) -> String {
    let mut page = Page::new(width, color);
    for file in &report.files {
        for unread in &file.unread {
            let place = format!("{}:{}:{}", file.name, unread.line, unread.column);
            page.line(0, &[(STRONG, &place), (BAD, "  not understood")]);
            page.para(2, PLAIN, &unread.why);
            page.blank();
        }
        for found in &file.remarks {
            remark(&mut page, file, found);
        }
    }
    let statements: usize = report.files.iter().map(|file| file.statements).sum();
    let count = |severity| report.remarks().filter(|found| found.severity == severity).count();
    let counts: Vec<String> = Severity::WORST_FIRST
        .into_iter()
        .map(|severity| (severity, count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let judged =
        format!("{statements} statements, judged for PostgreSQL {}", report.postgres_version);
    if counts.is_empty() {
        page.line(0, &[(GOOD, "nothing found"), (DIM, &format!("  {judged}"))]);
    } else {
        page.line(0, &[(STRONG, &counts.join(", ")), (DIM, &format!("  {judged}"))]);
    }
    page.finish()
}

fn remark(page: &mut Page, file: &LintedFile, found: &LintRemark) {
    let place = format!("{}:{}:{}  ", file.name, found.line, found.column);
    let style = match found.severity {
        Severity::Critical => BAD,
        Severity::Warning => FAIR,
        Severity::Info => NOTE,
    };
    let severity = format!("{}  ", found.severity);
    page.line(0, &[(STRONG, &place), (style, &severity), (PLAIN, &found.rule)]);
    page.para(2, PLAIN, &found.says);
    for lock in &found.locks {
        let held = format!("{} on {}: {} waits.", lock.lock, lock.relation, lock.blocks);
        page.led(2, (DIM, "lock     "), PLAIN, &held);
    }
    page.led(2, (DIM, "do       "), PLAIN, &found.advice);
    if let Some(instead) = &found.instead {
        page.line(2, &[(DIM, "instead")]);
        for line in instead.lines() {
            page.statement(4, line);
        }
    }
    page.blank();
}

/// As indented JSON.
pub fn pretty(report: &LintReport) -> Result<String, serde_json::Error> {
    Ok(text::printable(&serde_json::to_string_pretty(report)?))
}

/// As SARIF 2.1.0. Rules are names with what each finds.
pub fn sarif(report: &LintReport, rules: &[(&str, &str)]) -> Result<String, serde_json::Error> {
    let described: Vec<Value> = rules
        .iter()
        .map(|(name, about)| json!({ "id": name, "shortDescription": { "text": about } }))
        .collect();
    let results: Vec<Value> = report
        .files
        .iter()
        .flat_map(|file| file.remarks.iter().map(move |found| result(file, found)))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "dbvitals",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": described,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Ok(text::printable(&serde_json::to_string_pretty(&log)?))
}

fn result(file: &LintedFile, found: &LintRemark) -> Value {
    let level = match found.severity {
        Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    json!({
        "ruleId": found.rule,
        "level": level,
        "message": { "text": format!("{} {}", found.says, found.advice) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": file.name },
            "region": { "startLine": found.line, "startColumn": found.column },
        }}],
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::lint::{LINT_VERSION, LintLock};

    use super::*;

    fn report() -> LintReport {
        let found = LintRemark {
            rule: "cluster".into(),
            severity: Severity::Warning,
            line: 3,
            column: 1,
            says: "Nobody can use it.".into(),
            locks: vec![LintLock {
                relation: "t".into(),
                lock: "ACCESS EXCLUSIVE".into(),
                blocks: "every read and write".into(),
            }],
            advice: "Leave it.".into(),
            instead: Some("SELECT 1".into()),
        };
        let file = LintedFile {
            name: "a.sql".into(),
            statements: 2,
            remarks: vec![found],
            unread: Vec::new(),
        };
        LintReport { schema_version: LINT_VERSION, postgres_version: 17, files: vec![file] }
    }

    #[test]
    fn a_terminal_shows_place_lock_and_what_to_write() {
        let text = terminal(&report(), 80, ColorChoice::Never);
        for part in [
            "a.sql:3:1  warning  cluster",
            "ACCESS EXCLUSIVE on t: every read and write waits.",
            "SELECT 1",
            "1 warning  2 statements, judged for PostgreSQL 17",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let none = terminal(&LintReport::default(), 80, ColorChoice::Never);
        assert!(none.starts_with("nothing found"));
    }

    #[test]
    fn sarif_names_rule_and_place() {
        let text = sarif(&report(), &[("cluster", "Rewrites.")]).unwrap();
        let log: Value = serde_json::from_str(&text).unwrap();
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["ruleId"], "cluster");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
        assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][0]["id"], "cluster");
    }
}
