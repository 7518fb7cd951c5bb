//! One snapshot in every format, judged in every way.

use std::{fs, path::PathBuf, sync::OnceLock};

use dbvitals_testkit::{PgVersion, Redis, RedisVersion, shared};
use serde_json::Value;

use crate::run::{Ran, at, audit, dbvitals, findings, list, text};

/// A saved look at a PostgreSQL and a Redis with something to find, and the report made from it at once.
struct Seen {
    snapshot: PathBuf,
    report: String,
}

impl Seen {
    fn value(&self) -> Value {
        serde_json::from_str(&self.report).unwrap()
    }
}

const CONDITIONS: &str = "create table parent (id int primary key); \
    create table child (id int, parent_id int references parent, note text); \
    create index one on child (note); create index other on child (note); \
    insert into child select g, null, 'x' || g from generate_series(1, 20000) g; analyze";

fn seen() -> &'static Seen {
    static SEEN: OnceLock<Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = shared(PgVersion::V16).unwrap();
        let database = runtime.block_on(async {
            let database = server.fresh_database("formats").await.unwrap();
            server.sql(&database, CONDITIONS).await.unwrap();
            database
        });
        let redis = Redis::builder(RedisVersion::V7).start().unwrap();
        let snapshot = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("formats-snapshot.json");
        let main = format!("main={}", server.superuser_url(&database));
        let cache = format!("cache={}", redis.url());
        let include = ["--include", &database, "--save-snapshot", at(&snapshot)];
        let ran = audit(&[&[main.as_str(), &cache][..], &include].concat()).ended(&[0]);
        assert!(ran.err.contains("saved the snapshot"), "{ran:?}");
        Seen { snapshot, report: ran.out }
    })
}

/// Judges the saved snapshot.
fn judged(arguments: &[&str]) -> Ran {
    audit(&[&["--from", at(&seen().snapshot)], arguments].concat()).ended(&[0])
}

/// The saved snapshot in a format.
fn shown(format: &str, arguments: &[&str]) -> Ran {
    let from = ["audit", "--fail-on", "never", "-f", format, "--from", at(&seen().snapshot)];
    dbvitals(&[&from, arguments].concat()).ended(&[0])
}

#[test]
fn a_saved_snapshot_gives_the_same_report() {
    assert_eq!(judged(&[]).out, seen().report);
    assert_eq!(judged(&[]).out, seen().report, "and again");
}

#[test]
fn the_report_is_valid_by_the_schema_that_is_printed() {
    let schema = dbvitals(&["schema"]).ended(&[0]).json();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report = seen().value();
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(list(&report, "/targets").len(), 3, "two servers and the machine below them");
    for check in ["pg-duplicate-index", "redis-no-authentication"] {
        assert!(!findings(&report, check).is_empty(), "{check}: {report}");
    }
    for finding in list(&report, "/findings") {
        assert!(!list(finding, "/evidence").is_empty(), "{finding}");
    }
}

#[test]
fn every_format_goes_to_standard_output_and_to_files() {
    let folder = tempfile::tempdir().unwrap();
    for (format, ending, marks) in [
        ("json", "json", ["\"schema_version\": 1", "pg-duplicate-index"]),
        ("markdown", "md", ["# ", "pg-duplicate-index"]),
        ("html", "html", ["<!doctype html>", "pg-duplicate-index"]),
        ("sarif", "sarif", ["\"2.1.0\"", "pg-duplicate-index"]),
        ("junit", "xml", ["<testsuites", "pg-duplicate-index"]),
        ("terminal", "txt", ["FINDINGS", "pg-duplicate-index"]),
    ] {
        let file = folder.path().join(format!("report.{ending}"));
        let ran = shown(format, &["-o", at(&file), "--all"]);
        let written = fs::read_to_string(&file).unwrap();
        for mark in marks {
            assert!(ran.out.contains(mark), "{format}: {mark} is not on standard output");
            assert!(written.contains(mark), "{format}: {mark} is not in the file");
        }
        if format != "terminal" {
            assert_eq!(ran.out.trim_end(), written.trim_end(), "{format}");
        }
        assert!(!ran.out.contains('\u{1b}'), "{format}: colour without a terminal");
        assert!(ran.err.contains("wrote "), "{ran:?}");
    }
    let painted = shown("terminal", &["--color", "always"]);
    assert!(painted.out.contains('\u{1b}'));
    let left = folder.path().read_dir().unwrap().count();
    assert_eq!(left, 6, "no half-written file is left");
}

#[test]
fn a_page_needs_no_network() {
    let page = shown("html", &[]).out;
    for outside in ["src=\"http", "href=\"http", "url(http", "@import", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn quiet_is_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.html");
    let ran = judged(&["--quiet", "--output", at(&file)]);
    assert_eq!(ran.err, "");
    assert!(file.is_file());
}

#[test]
fn eighty_columns_hold_everything_but_statements() {
    let report = seen().value();
    let statements: Vec<&str> = list(&report, "/findings")
        .iter()
        .flat_map(|f| ["/fix/statements", "/fix/undo"].map(|at| list(f, at)))
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for width in [60, 80, 120] {
        let wide = width.to_string();
        let page = shown("terminal", &["--all", "--width", &wide]).out;
        for line in page.lines().filter(|line| line.chars().count() > width) {
            let pasted = statements.iter().any(|statement| {
                statement.lines().any(|part| !part.is_empty() && line.contains(part.trim()))
            });
            assert!(pasted, "{} columns at width {width}: {line}", line.chars().count());
        }
    }
}

#[test]
fn a_baseline_tells_what_is_new_and_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("before.json");
    let mut before = seen().value();
    let all = before["findings"].as_array_mut().unwrap();
    let place = all.iter().position(|f| text(f, "/check") == "pg-duplicate-index").unwrap();
    let duplicate = all.remove(place);
    let mut gone = duplicate.clone();
    gone["key"] = "pg-duplicate-index/gone".into();
    gone["subject"]["name"] = "gone_since".into();
    all.push(gone);
    fs::write(&path, before.to_string()).unwrap();
    let report = judged(&["--baseline", at(&path)]).json();
    assert_eq!(list(&report, "/baseline/new"), [duplicate["key"].clone()]);
    let fixed = list(&report, "/baseline/fixed");
    assert_eq!(fixed.len(), 1, "{fixed:?}");
    assert_eq!(text(&fixed[0], "/subject/name"), "gone_since");
    let page = shown("terminal", &["--baseline", at(&path)]).out;
    assert!(page.contains("1 new") && page.contains("1 fixed"), "{page}");
    fs::write(&path, &seen().report).unwrap();
    let same = judged(&["--baseline", at(&path)]).json();
    for list_of in ["new", "fixed", "worse", "better", "unknown"] {
        assert_eq!(same["baseline"][list_of].as_array().unwrap().len(), 0, "{list_of}");
    }
}

#[test]
fn an_ignored_finding_is_set_aside_until_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    let rule = |until: &str| {
        let rule = format!(
            "[[ignore]]\ncheck = \"pg-duplicate-*\"\nreason = \"goes with release 7\"\n\
             until = {until}\n"
        );
        fs::write(&path, rule).unwrap();
        judged(&["--config", at(&path)]).json()
    };
    let kept = rule("2999-12-31");
    assert!(findings(&kept, "pg-duplicate-index").is_empty());
    let aside = list(&kept, "/ignored");
    assert!(!aside.is_empty());
    for ignored in aside {
        assert_eq!(text(ignored, "/finding/check"), "pg-duplicate-index");
        assert_eq!(text(ignored, "/reason"), "goes with release 7");
        assert_eq!(text(ignored, "/until"), "2999-12-31");
    }
    let page = shown("terminal", &["--config", at(&path)]).out;
    assert!(page.contains("goes with release 7"), "what is ignored is still told: {page}");
    let expired = rule("2001-01-01");
    assert!(!findings(&expired, "pg-duplicate-index").is_empty());
    assert!(list(&expired, "/ignored").is_empty());
}

#[test]
fn some_checks_only() {
    let checks = |arguments: &[&str]| {
        let report = judged(arguments).json();
        let all = ["/coverage/checked", "/coverage/skipped", "/findings"]
            .iter()
            .flat_map(|at| list(&report, at).iter().map(|c| text(c, "/check").to_owned()));
        all.collect::<Vec<_>>()
    };
    let only = checks(&["--only", "redis-*,pg-duplicate-index"]);
    assert!(only.iter().any(|id| id == "pg-duplicate-index"));
    assert!(only.iter().all(|id| id.starts_with("redis-") || id == "pg-duplicate-index"));
    let except = checks(&["--except", "redis-*", "--except", "pg-duplicate-index"]);
    assert!(except.len() > 30);
    assert!(!except.iter().any(|id| id.starts_with("redis-") || id == "pg-duplicate-index"));
}

#[test]
fn thresholds_of_the_file_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.toml");
    fs::write(&path, "[checks.pg-duplicate-index]\nenabled = false\n").unwrap();
    let report = judged(&["--config", at(&path)]).json();
    assert!(findings(&report, "pg-duplicate-index").is_empty());
    let strict = judged(&["--profile", "strict"]).json();
    let count = |report: &Value| list(report, "/findings").len();
    assert!(count(&strict) >= count(&seen().value()));
}
