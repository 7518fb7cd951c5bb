//! `dbvitals redis keys` and `patterns` against real servers.

use dbvitals_testkit::{Redis, RedisVersion};
use serde_json::Value;

use crate::run::{at, dbvitals, list, text};

const PAGES: &str = "for i = 1, 3000 do redis.call('SET', 'page:' .. i, string.rep('x', 100), 'EX', 9000) end \
    for i = 1, 5 do for j = 1, 20000 do redis.call('RPUSH', 'ledger:' .. i, string.rep('y', 60)) end end";

fn filled(version: RedisVersion) -> Redis {
    let redis = Redis::builder(version).start().unwrap();
    redis.cli(&["EVAL", PAGES, "0"]).unwrap();
    redis
}

fn table<'a>(sheet: &'a Value, id: &str) -> &'a [Value] {
    let found = list(sheet, "/tables").iter().find(|table| text(table, "/id") == id);
    found.map(|table| list(table, "/rows")).unwrap_or_default()
}

#[test]
fn keys_and_patterns_in_every_format() {
    for version in RedisVersion::ALL {
        let redis = filled(version);
        let url = redis.url();
        let sheet = dbvitals(&["redis", "keys", &url, "--format", "json"]).ended(&[0]).json();
        assert_eq!(sheet["keys"]["has_every_name"], true);
        assert_eq!(table(&sheet, "largest").len(), 10);
        let findings = table(&sheet, "findings");
        assert!(findings.iter().any(|row| row[2] == "redis-big-key"), "{findings:?}");
        let sheet =
            dbvitals(&["redis", "patterns", &url, "--full", "-f", "json"]).ended(&[0]).json();
        assert_eq!(sheet["keys"]["is_complete"], true);
        let patterns = table(&sheet, "patterns");
        let names: Vec<&Value> = patterns.iter().map(|row| &row[0]).collect();
        assert_eq!(names, ["ledger:*", "page:*"]);
        assert_eq!(patterns[1][9], 1.0, "all of them expire");
        for (format, title) in [("terminal", "Patterns"), ("markdown", "## Patterns")] {
            let page = dbvitals(&["redis", "patterns", &url, "--format", format]).ended(&[0]).out;
            assert!(page.contains(title) && page.contains("ledger:"), "{page}");
        }
    }
}

#[test]
fn a_walk_out_of_time_is_continued_from_its_file() {
    let redis = filled(RedisVersion::V7);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("walk.json");
    let file = at(&file);
    let url = redis.url();
    let walk = |more: &[&str]| {
        dbvitals(
            &[&["redis", "keys", &url, "--full", "-f", "json", "--resume", file], more].concat(),
        )
    };
    let first = walk(&["--max-time", "0s"]).ended(&[3]);
    assert_eq!(first.json()["keys"]["is_complete"], false);
    let second = walk(&[]).ended(&[0]).json();
    assert_eq!(second["keys"]["sampled"], 3005);
    assert!(!std::path::Path::new(file).exists(), "a finished walk leaves nothing behind");
    std::fs::write(file, "{}").unwrap();
    let wrong = walk(&[]).ended(&[2]);
    assert!(wrong.err.contains("cannot go on from"), "{}", wrong.err);
}

#[test]
fn what_cannot_be_walked_says_why() {
    let redis = Redis::builder(RedisVersion::V7)
        .acl_user("poor", "on >pw ~* +info +ping +client|setname")
        .start()
        .unwrap();
    redis.cli(&["SET", "k", "v"]).unwrap();
    let url = redis.url_as("poor", "pw");
    let page = dbvitals(&["redis", "keys", &url]).ended(&[3]).out;
    assert!(page.contains("ACL SETUSER poor +scan"), "{page}");
    redis.stop().unwrap();
    dbvitals(&["redis", "keys", &redis.url()]).ended(&[4]);
    dbvitals(&["redis", "keys", "postgres://localhost/x"]).ended(&[2]);
    dbvitals(&["redis", "keys", &redis.url(), "--full", "--quick"]).ended(&[2]);
}
