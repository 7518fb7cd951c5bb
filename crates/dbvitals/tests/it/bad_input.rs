//! What was typed wrong: exit code 2, one message that says what to do, and nothing on standard output.

use std::fs;

use tempfile::TempDir;

use crate::run::{at, dbvitals};

#[track_caller]
fn refused(arguments: &[&str], says: &[&str]) {
    let ran = dbvitals(arguments);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.out, "", "{ran:?}");
    assert_eq!(ran.err.matches("error:").count(), 1, "{ran:?}");
    assert!(ran.err.starts_with("error: ") && ran.err.lines().count() <= 12, "{ran:?}");
    for word in says {
        assert!(ran.err.contains(word), "{word:?} is missing: {ran:?}");
    }
    assert!(!ran.err.contains("hunter2") && !ran.err.contains("panicked"), "{ran:?}");
}

/// A file of the folder with this text; its path.
fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    at(&path).to_owned()
}

#[test]
fn targets() {
    refused(&["audit"], &["no target", "postgres://"]);
    refused(&["audit", "mysql://me:hunter2@host/d"], &["unknown scheme \"mysql\"", "redis://"]);
    refused(&["audit", "postgres://me:hunter2@[::1/d"], &["bracket"]);
    refused(&["audit", "postgres://me:hunter2@host:99999/d"], &["port"]);
    refused(&["audit", "postgres://me:hunter2@host/d?sslmod=require"], &["sslmode"]);
    refused(&["audit", "redis://:hunter2@host:notaport"], &["port"]);
    refused(&["audit", "redis://:hunter2@host/notanumber"], &["must be a number"]);
    refused(&["audit", "nobody"], &["neither a URL nor a known target"]);
    refused(&["audit", "redis://a", "redis://a"], &["two targets", "name of its own"]);
}

#[test]
fn arguments() {
    refused(&["audit", "redis://a", "--timeout", "soon"], &["not a duration", "10s"]);
    refused(&["audit", "redis://a", "--format", "xls"], &["xls", "json"]);
    refused(&["audit", "redis://a", "--output", "report.docx"], &["report.docx", ".html"]);
    refused(&["audit", "redis://a", "--only", "pg-unused-indx"], &["pg-unused-index"]);
    refused(&["audti"], &["audit"]);
    refused(&["explain", "pg-unused-indx"], &["did you mean pg-unused-index?"]);
    refused(&["checks", "--topic", "index"], &["indexes"]);
    refused(&["demo", "--scale", "0"], &["--scale"]);
}

#[test]
fn texts_that_are_no_sql_and_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        at(&path).to_owned()
    };
    let latin = bytes("latin.sql", b"select 1;\nselect '\xe4'");
    let wide = bytes("wide.sql", b"\xff\xfes\0e\0l\0");
    let nothing = bytes("empty.sql", b"");
    let here = at(folder.path()).to_owned();
    for command in [&["query", "lint"][..], &["query", "analyze", "--offline", "--file"]] {
        let with = |path: &str, says: &[&str]| refused(&[command, &[path]].concat(), says);
        with(&latin, &["latin.sql", "not UTF-8 from line 2", "iconv -f LATIN1"]);
        with(&wide, &["iconv -f UTF-16"]);
        with(&here, &["cannot read", "directory"]);
        with("/dev/zero", &["/dev/zero holds more than"]);
    }
    refused(&["query", "analyze", "--offline", "--file", &nothing], &["no statement"]);
    refused(&["query", "plan", &nothing], &["no plan found", "FORMAT JSON"]);
    refused(&["query", "plan", "/dev/zero"], &["more than 64 MB"]);
    refused(&["log", &nothing], &["no record in", "empty.sql"]);
    fs::create_dir(folder.path().join("logs")).unwrap();
    refused(&["log", at(&folder.path().join("logs"))], &["no log file in", "logs"]);
    refused(&["log", &latin], &["the first is: select 1;", "--prefix"]);
}

#[test]
fn marks_before_a_text_line_ends_and_length_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let marked = file(&folder, "marked.sql", "\u{feff}select 1;\r\nselect 2\r\n");
    dbvitals(&["query", "lint", &marked]).ended(&[0]);
    let told = dbvitals(&["query", "analyze", "--offline", "--file", &marked]).ended(&[0]);
    assert!(!told.out.contains("refuses"), "{}", told.out);
    let list = vec!["1234567"; 600_000].join(",");
    let long = file(&folder, "long.sql", &format!("select a from t where a in ({list})"));
    let told = dbvitals(&["query", "analyze", "--offline", "--file", &long]).ended(&[0]);
    assert!(told.out.contains("looked into up to 4 MB"), "{}", &told.out[..2000]);
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let missing = at(&folder.path().join("missing")).to_owned();
    refused(&["audit", "--from", &missing], &["cannot read", "missing", "check the path"]);
    refused(&["audit", "--config", &missing], &["cannot read", "missing"]);
    refused(&["audit", "redis://a", "--baseline", &missing], &["cannot read", "missing"]);
    let noise = file(&folder, "noise", "\u{1}{[");
    refused(&["audit", "--from", &noise], &["not a dbvitals snapshot", "--save-snapshot"]);
    refused(&["audit", "redis://a", "--baseline", &noise], &["not a dbvitals report"]);
    let other = file(&folder, "other", "{\"hello\": 1}");
    refused(&["audit", "--from", &other], &["not a dbvitals snapshot", "format_version"]);
    refused(&["audit", "redis://a", "--baseline", &other], &["not a dbvitals report"]);
    let newer = file(&folder, "newer", "{\"format_version\": 9999}");
    refused(&["audit", "--from", &newer], &["format version 9999"]);
    let bytes = folder.path().join("bytes");
    fs::write(&bytes, [0xff, 0xfe]).unwrap();
    refused(&["audit", "--from", at(&bytes)], &["UTF-8"]);
}

#[test]
fn configuration() {
    let folder = tempfile::tempdir().unwrap();
    for (text, says) in [
        (
            "[audit]\nfail_one = \"never\"\n",
            ["unknown key audit.fail_one", "did you mean fail_on?"],
        ),
        ("[audit]\nfail_on = \"sometimes\"\n", ["sometimes", "critical"]),
        ("[checks.pg-unused-indexes]\n", ["pg-unused-indexes", "did you mean pg-unused-index?"]),
        ("[checks.pg-unused-index]\nmin_age_days = -3\n", ["min_age_days", "between"]),
        ("[[ignore]]\ncheck = \"pg-*\"\n", ["reason", "line"]),
        ("[[ignore]]\ncheck = \"pg-*\"\nreason = \" \"\n", ["no reason", "say why"]),
        ("[[ignore]]\ncheck=\"pg-*\"\nreason=\"x\"\nuntil=\"soon\"\n", ["soon", "2027-01-31"]),
        ("[targets.a]\nurl = \"postgres://a\"\nrole = \"king\"\n", ["unknown role", "primary"]),
        (
            "[targets.a]\nurl = \"redis://a\"\npassword_env = \"NOT_SET_X\"\n",
            ["NOT_SET_X", "not set"],
        ),
        ("[targets.a]\nurl = \"oracle://a\"\n", ["target a", "unknown scheme"]),
        ("[audit\n", ["line 1", "config default"]),
    ] {
        let path = file(&folder, "dbvitals.toml", text);
        refused(&["audit", "--config", &path], &says);
    }
}

#[test]
fn a_target_that_the_file_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "c.toml", "[targets.main]\nurl = \"redis://a\"\n");
    refused(&["audit", "mian", "--config", &path], &["did you mean main?"]);
}
