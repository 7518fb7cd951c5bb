//! JUnit XML: one suite per target, one test case per check.

use std::collections::BTreeSet;

use dbvitals_model::{
    Finding, Reason, Severity,
    report::{Report, Target},
};
use quick_junit::{
    NonSuccessKind, Report as Xml, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use crate::{digest, humanize, visible, words};

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Findings of this severity and worse make a test case fail; `None` lets none fail.
    pub fail_on: Option<Severity>,
}

impl Default for Options {
    fn default() -> Self {
        Self { fail_on: Some(Severity::Warning) }
    }
}

/// The report as test results: a check that found something at or above the limit failed, one that
/// could not run was skipped with its reason, a target that could not be reached is an error.
pub fn render(report: &Report, options: &Options) -> Result<String, SerializeError> {
    let mut xml = Xml::new(report.tool.name.as_str());
    for target in &report.targets {
        xml.add_test_suite(suite(report, target, *options));
    }
    let mut text = xml.to_string()?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn suite(report: &Report, target: &Target, options: Options) -> TestSuite {
    let mut suite = TestSuite::new(visible::inline(&target.name));
    suite.add_property(("kind", target.kind.as_str()));
    if let Some(version) = &target.version {
        suite.add_property(("version", visible::inline(version).as_str()));
    }
    if let Some(role) = &target.role {
        suite.add_property(("role", visible::inline(role).as_str()));
    }
    let reach = if digest::is_unreachable(target) {
        status(NonSuccessKind::Error, "not examined", &target.problems.join("\n"))
    } else {
        TestCaseStatus::success()
    };
    suite.add_test_case(case(target, "reachable", reach));
    let mut checks: BTreeSet<&str> = BTreeSet::new();
    checks.extend(
        report
            .coverage
            .checked
            .iter()
            .filter(|c| c.target == target.name)
            .map(|c| c.check.as_str()),
    );
    checks.extend(
        report
            .coverage
            .skipped
            .iter()
            .filter(|s| s.target == target.name)
            .map(|s| s.check.as_str()),
    );
    checks.extend(
        report.findings.iter().filter(|f| f.target == target.name).map(|f| f.check.as_str()),
    );
    for check in checks {
        suite.add_test_case(check_case(report, target, check, options));
    }
    suite
}

/// One check on one target.
fn check_case(report: &Report, target: &Target, check: &str, options: Options) -> TestCase {
    let found: Vec<&Finding> =
        report.findings.iter().filter(|f| f.target == target.name && f.check == check).collect();
    let (failing, passing): (Vec<&Finding>, Vec<&Finding>) =
        found.into_iter().partition(|f| options.fail_on.is_some_and(|limit| f.severity >= limit));
    let skips: Vec<String> = report
        .coverage
        .skipped
        .iter()
        .filter(|s| s.target == target.name && s.check == check)
        .map(skip_text)
        .collect();
    let has_run =
        report.coverage.checked.iter().any(|c| c.target == target.name && c.check == check);
    let state = if let Some(worst) = failing.iter().map(|f| f.severity).max() {
        let count = humanize::plural(failing.len(), "finding", "findings");
        let texts: Vec<String> = failing.iter().map(|f| finding_text(f)).collect();
        let mut status = status(
            NonSuccessKind::Failure,
            &format!("{worst}: {count}; {}", failing[0].message),
            &texts.join("\n\n"),
        );
        status.set_type(worst.as_str());
        status
    } else if !has_run && passing.is_empty() && !skips.is_empty() {
        let mut skipped = TestCaseStatus::skipped();
        skipped.set_message(visible::inline(&skips.join("; ")));
        skipped
    } else {
        TestCaseStatus::success()
    };
    let is_skipped = matches!(state, TestCaseStatus::Skipped { .. });
    let mut case = case(target, check, state);
    let mut notes: Vec<String> = passing.iter().map(|f| finding_text(f)).collect();
    if !is_skipped {
        notes.extend(skips.iter().map(|skip| format!("not examined: {skip}")));
    }
    if !notes.is_empty() {
        case.set_system_out(visible::block(&notes.join("\n\n")));
    }
    case
}

fn case(target: &Target, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(visible::inline(name), status);
    case.set_classname(visible::inline(&target.name));
    case
}

fn status(kind: NonSuccessKind, message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(visible::inline(message));
    status.set_description(visible::block(description));
    status
}

/// `in legacy: the connection was lost (failed); opened by: …`.
fn skip_text(skipped: &dbvitals_model::report::Skipped) -> String {
    let part = skipped.part.as_ref().map_or_else(String::new, |part| format!("in {part}: "));
    let class = match skipped.class {
        Reason::NotApplicable => String::new(),
        class => format!(" ({})", words::reason(class)),
    };
    let remedy = skipped.remedy.as_ref().map_or_else(String::new, |r| format!("; opened by: {r}"));
    format!("{part}{}{class}{remedy}", skipped.reason)
}

/// Message, evidence, recommendation and fix of one finding.
fn finding_text(finding: &Finding) -> String {
    let mut text = format!("{}: {}", finding.severity, visible::inline(&finding.message));
    for item in &finding.evidence {
        let value = humanize::measure(&item.value, item.unit);
        let threshold = words::threshold(item);
        let threshold = threshold.map_or_else(String::new, |t| format!(", threshold {t}"));
        let line = format!("{}: {value}{threshold} ({})", item.label, item.source);
        append!(text, "\n  {}", visible::inline(&line));
    }
    if !finding.recommendation.is_empty() {
        append!(text, "\n{}", visible::inline(&finding.recommendation));
    }
    if let Some(fix) = &finding.fix {
        let terms = format!(
            "Fix ({}; run in {}; {}):",
            words::fix_kind(fix.kind),
            digest::place(finding),
            digest::fix_terms(fix)
        );
        append!(text, "\n{}", visible::inline(&terms));
        for statement in &fix.statements {
            text.push('\n');
            text.push_str(statement);
        }
    }
    text
}
