//! `dbvitals log` as a person runs it: files, standard input, resuming, wrong input.

use std::{
    fs,
    io::Write,
    process::{Output, Stdio},
};

use serde_json::Value;

use crate::run::{command, dbvitals};

const PLAIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../log/tests/corpus/stderr.log");
const CSV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../log/tests/corpus/csv.csv");

fn checks(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| finding["check"].as_str().unwrap()).collect()
}

#[test]
fn a_log_is_judged_whatever_its_format() {
    for file in [PLAIN, CSV] {
        let report = dbvitals(&["log", file, "--format", "json"]).ended(&[1]).json();
        let found = checks(&report);
        for check in
            ["log-server-incident", "log-lock-wait", "log-deadlock", "log-checkpoints-too-frequent"]
        {
            assert!(found.contains(&check), "{file}: no {check} in {found:?}");
        }
        assert_eq!(report["targets"][0]["kind"], "log");
    }
}

#[test]
fn a_terminal_sees_statements_errors_and_hours() {
    let said = dbvitals(&["log", PLAIN, "--width", "160"]).ended(&[1]).out;
    for part in
        ["THE LOG", "Statements by total time", "P95", "█", "deadlock detected", "app.public.t"]
    {
        assert!(said.contains(part), "no {part:?} in\n{said}");
    }
}

#[test]
fn standard_input_is_read_and_only_what_came_since_is_resumed() {
    let mut child = command(&["log", "-", "--format", "json", "--fail-on", "never"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(CSV).unwrap()).unwrap();
    let Output { stdout, status, .. } = child.wait_with_output().unwrap();
    assert!(status.success());
    let report: Value = serde_json::from_slice(&stdout).unwrap();
    assert!(checks(&report).contains(&"log-deadlock"));

    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let state = state.to_str().unwrap();
    let again = || {
        dbvitals(&["log", PLAIN, "--resume", state, "--format", "json", "--fail-on", "never"])
            .ended(&[0])
            .json()
    };
    assert!(!checks(&again()).is_empty());
    assert_eq!(checks(&again()), [""; 0]);
}

#[test]
fn what_is_no_log_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    fs::write(&path, "\u{1b}[31mhello\nworld\n").unwrap();
    let said = dbvitals(&["log", path.to_str().unwrap()]).ended(&[2]).err;
    assert!(said.contains("none of 2 lines") && said.contains("--prefix"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let said = dbvitals(&["log", PLAIN, "--prefix", "%m %y"]).ended(&[2]).err;
    assert!(said.contains("%y"), "{said}");
    let said = dbvitals(&["log", "/nowhere/at/all"]).ended(&[2]).err;
    assert!(said.contains("/nowhere/at/all"), "{said}");
}
