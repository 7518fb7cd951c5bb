//! The commands around the audit: catalogue, explanations, settings, completions, manual.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use crate::run::{at, dbvitals, list, text};

#[test]
fn the_catalogue_is_large_complete_and_explained() {
    let checks = dbvitals(&["checks", "--format", "json"]).ended(&[0]).json();
    let checks = checks.as_array().unwrap();
    assert!(checks.len() >= 100, "{} checks", checks.len());
    let mut by_topic: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for check in checks {
        assert!(
            !text(check, "/title").is_empty() && !text(check, "/explain").is_empty(),
            "{check}"
        );
        let group = (text(check, "/engine"), text(check, "/topic"));
        by_topic.entry(group).or_default().push(text(check, "/id"));
        for threshold in list(check, "/thresholds") {
            assert!(!text(threshold, "/why").is_empty(), "{threshold}");
        }
    }
    for ids in by_topic.values() {
        let page = dbvitals(&["explain", ids[0]]).ended(&[0]).out;
        assert!(page.contains(ids[0]) && page.to_lowercase().contains("how to fix"), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    }
    let table = dbvitals(&["checks"]).ended(&[0]).out;
    for check in checks {
        assert!(table.contains(text(check, "/id")), "{check}");
    }
}

#[test]
fn the_catalogue_can_be_searched() {
    let found = |arguments: &[&str]| {
        let all = [&["checks", "--format", "json"], arguments].concat();
        let value = dbvitals(&all).ended(&[0]).json();
        value.as_array().unwrap().iter().map(|c| text(c, "/id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&["pg-unused-index"]), ["pg-unused-index"]);
    let redis = found(&["redis-*"]);
    assert!(redis.len() >= 20 && redis.iter().all(|id| id.starts_with("redis-")), "{redis:?}");
    assert!(found(&["--topic", "indexes"]).contains(&"pg-unused-index".to_owned()));
    assert!(found(&["no such check"]).is_empty());
}

#[test]
fn the_default_file_is_accepted_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("default.toml");
    fs::write(&path, dbvitals(&["config", "default"]).ended(&[0]).out).unwrap();
    let with = dbvitals(&["config", "show", "--config", at(&path)]).ended(&[0]).out;
    for word in ["fail_on", "critical", "timeout", "default.toml"] {
        assert!(with.contains(word), "{word}: {with}");
    }
    let flag = dbvitals(&["config", "show", "--config", at(&path), "--fail-on", "info"]).out;
    let line = flag.lines().find(|line| line.contains("fail_on")).unwrap();
    assert!(line.contains("info") && line.contains("--fail-on"), "the flag wins: {line}");
    let secret = dbvitals(&["config", "show", "postgres://me:hunter2@host/d"]).ended(&[0]).out;
    assert!(secret.contains("host") && !secret.contains("hunter2"), "{secret}");
}

#[test]
fn completions_know_the_commands() {
    for (shell, mark) in [("bash", "complete "), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let script = dbvitals(&["completions", shell]).ended(&[0]).out;
        assert!(script.contains(mark), "{shell}");
        for word in ["audit", "explain", "baseline"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let script = dbvitals(&["completions", "bash"]).out;
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn the_manual_tells_every_command_and_code() {
    let page = dbvitals(&["man"]).ended(&[0]).out;
    assert!(page.contains(".TH dbvitals 1"), "{page}");
    for word in ["audit", "check", "explain", "demo", "interrupted", "save\\-snapshot"] {
        assert!(page.contains(word), "{word}");
    }
    let help = dbvitals(&["--help"]).ended(&[0]).out;
    assert!(help.contains("no target could be connected to"), "{help}");
    assert!(dbvitals(&["--version"]).ended(&[0]).out.starts_with("dbvitals "));
}
