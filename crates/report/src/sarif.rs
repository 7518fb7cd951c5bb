//! SARIF 2.1.0, for code scanning and other consumers of static-analysis results.

use dbvitals_model::{
    Finding, Severity,
    report::{Ignored, Report},
};
use serde_json::{Map, Value, json};

use crate::{
    CheckDoc,
    digest::{self, Change},
    explain, humanize, json, words,
};

/// How to write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// A file of the repository that results are shown at, since consumers that annotate code want a
    /// place in it: the file that configures the targets, say. `None` leaves places logical.
    pub anchor: Option<String>,
}

/// The report with help for the rules that are documented; a check without documentation becomes a
/// rule with its id only.
pub fn render(
    report: &Report,
    checks: &[CheckDoc],
    options: &Options,
) -> Result<String, serde_json::Error> {
    let ids = rule_ids(report, checks);
    let rules: Vec<Value> =
        ids.iter().map(|id| rule(id, checks.iter().find(|c| c.id == *id))).collect();
    let changes = digest::changes(report);
    let mut results: Vec<Value> = Vec::new();
    for finding in &report.findings {
        let mut result = result(finding, &ids, options);
        if report.baseline.is_some() {
            let state = match changes.get(finding.key.as_str()) {
                Some(Change::New) => "new",
                Some(Change::Worse | Change::Better) => "updated",
                None => "unchanged",
            };
            result["baselineState"] = state.into();
        }
        results.push(result);
    }
    results.extend(report.ignored.iter().map(|ignored| suppressed(ignored, &ids, options)));
    for finding in report.baseline.iter().flat_map(|b| &b.fixed) {
        let mut result = result(finding, &ids, options);
        result["baselineState"] = "absent".into();
        results.push(result);
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "semanticVersion": report.tool.version,
                "rules": rules,
            }},
            "invocations": [invocation(report)],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Ok(json::printable(&serde_json::to_string_pretty(&log)?))
}

/// Ids of all rules: the documented ones, then those only findings know.
fn rule_ids<'a>(report: &'a Report, checks: &'a [CheckDoc]) -> Vec<&'a str> {
    let mut ids: Vec<&str> = checks.iter().map(|c| c.id.as_str()).collect();
    let ignored = report.ignored.iter().map(|i| &i.finding);
    let fixed = report.baseline.iter().flat_map(|b| &b.fixed);
    for finding in report.findings.iter().chain(ignored).chain(fixed) {
        if !ids.contains(&finding.check.as_str()) {
            ids.push(&finding.check);
        }
    }
    ids
}

fn rule(id: &str, doc: Option<&CheckDoc>) -> Value {
    let Some(doc) = doc else {
        return json!({ "id": id, "shortDescription": { "text": id } });
    };
    let markdown = explain::markdown(doc);
    let plain = explain::render(doc, 80, crate::ColorChoice::Never);
    json!({
        "id": id,
        "name": id,
        "shortDescription": { "text": doc.title },
        "fullDescription": { "text": doc.title },
        "help": { "text": plain, "markdown": markdown },
        "defaultConfiguration": { "level": level(doc.severity) },
        "properties": { "tags": [doc.engine, doc.topic] },
    })
}

fn result(finding: &Finding, ids: &[&str], options: &Options) -> Value {
    let mut result = json!({
        "ruleId": finding.check,
        "ruleIndex": ids.iter().position(|id| *id == finding.check),
        "level": level(finding.severity),
        "message": { "text": text(finding) },
        "locations": [location(finding, options)],
        "partialFingerprints": { "dbvitalsKey/v1": finding.key },
    });
    let mut properties = Map::new();
    for item in &finding.evidence {
        let said = humanize::measure(&item.value, item.unit);
        properties.insert(item.label.clone(), json!(said));
    }
    let mut extra = json!({ "target": finding.target, "evidence": properties });
    if let Some(fix) = &finding.fix {
        extra["fix"] = json!(fix);
    }
    result["properties"] = extra;
    result
}

/// Message, recommendation and statements as one text.
fn text(finding: &Finding) -> String {
    let mut text = format!("{}: {}", finding.target, finding.message);
    if !finding.recommendation.is_empty() {
        text.push('\n');
        text.push_str(&finding.recommendation);
    }
    if let Some(fix) = &finding.fix {
        append!(
            text,
            "\nFix ({}; run in {}; {}):",
            words::fix_kind(fix.kind),
            digest::place(finding),
            digest::fix_terms(fix)
        );
        for statement in &fix.statements {
            text.push('\n');
            text.push_str(statement);
        }
    }
    text
}

/// Target, database, table and object as nested names.
fn location(finding: &Finding, options: &Options) -> Value {
    let subject = &finding.subject;
    let mut path = vec![finding.target.as_str()];
    path.extend(subject.database.as_deref());
    path.extend(subject.table.as_deref());
    path.push(&subject.name);
    let mut location = json!({
        "logicalLocations": [{
            "name": subject.name,
            "fullyQualifiedName": path.join("/"),
            "kind": subject.kind,
        }],
    });
    if let Some(anchor) = &options.anchor {
        location["physicalLocation"] = json!({
            "artifactLocation": { "uri": anchor },
            "region": { "startLine": 1 },
        });
    }
    location
}

fn suppressed(ignored: &Ignored, ids: &[&str], options: &Options) -> Value {
    let until =
        ignored.until.as_ref().map_or_else(String::new, |until| format!(" (until {until})"));
    let mut result = result(&ignored.finding, ids, options);
    result["suppressions"] = json!([{
        "kind": "external",
        "status": "accepted",
        "justification": format!("{}{until}", ignored.reason),
    }]);
    result
}

/// Whether everything could be examined, and what could not.
fn invocation(report: &Report) -> Value {
    let mut notes: Vec<Value> = Vec::new();
    let note = |level: &str, text: String| json!({ "level": level, "message": { "text": text } });
    for target in &report.targets {
        let level = if digest::is_unreachable(target) { "error" } else { "warning" };
        for problem in &target.problems {
            notes.push(note(level, format!("{}: {problem}", target.name)));
        }
    }
    for obstacle in digest::obstacles(report) {
        let remedy = obstacle.remedy.map_or_else(String::new, |r| format!("; opened by: {r}"));
        let checks = obstacle.checks.join(", ");
        let text = format!("{}: {} not run: {}{remedy}", obstacle.target, checks, obstacle.reason);
        notes.push(note("note", text));
    }
    json!({
        "executionSuccessful": !report.targets.iter().any(digest::is_unreachable),
        "endTimeUtc": report.generated_at.to_string(),
        "toolExecutionNotifications": notes,
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}
