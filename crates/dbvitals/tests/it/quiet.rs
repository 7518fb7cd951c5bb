//! Servers that are kept well, and what the audit says of them: frozen, so that a new finding is either right and
//! explained here, or noise to be mended in its check.

mod postgres;
mod redis;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run::{audit, broken, list, text};

/// What the audit finds: `severity check subject`, one for each finding.
fn found(arguments: &[&str]) -> (BTreeSet<String>, Value) {
    let report = audit(arguments).ended(&[0]).json();
    assert_eq!(broken(&report), Vec::<String>::new());
    let line = |finding: &Value| {
        let part = |pointer| text(finding, pointer);
        format!("{} {} {}", part("/severity"), part("/check"), part("/subject/name"))
    };
    (list(&report, "/findings").iter().map(line).collect(), report)
}

/// The audit finds these and nothing else.
#[track_caller]
fn finds(what: &str, arguments: &[&str], expected: &[&str]) {
    let (found, report) = found(arguments);
    let expected: BTreeSet<String> = expected.iter().map(ToString::to_string).collect();
    let of = |lines: Vec<&String>| -> String {
        let about = |line: &String| {
            let findings = list(&report, "/findings").iter();
            let mut same = findings.filter(|it| {
                line.contains(text(it, "/check")) && line.ends_with(text(it, "/subject/name"))
            });
            let message = same.next().map(|it| text(it, "/message")).unwrap_or_default();
            format!("\n  {line}: {message}")
        };
        lines.into_iter().map(about).collect()
    };
    let more = of(found.difference(&expected).collect());
    let less = of(expected.difference(&found).collect());
    assert!(more.is_empty() && less.is_empty(), "{what}\nfound, too:{more}\nnot found:{less}");
}
