//! Servers that cannot be examined: which one, why, what to do, and never a password.

use std::{fs, path::Path};

use dbvitals_testkit::{Hostile, PgVersion, Postgres, Redis, RedisVersion, shared};

use crate::run::{Ran, at, audit, begin, broken, command, dbvitals, list, text};

const SECRET: &str = "hunter2-never-shown";

/// Every format at once; all that was written anywhere.
fn everything(url: &str, timeout: &str, folder: &Path) -> (Ran, String) {
    let snapshot = folder.join("snapshot.json");
    let named = format!("wanted={url}");
    let mut arguments = vec!["audit", &named, "--timeout", timeout, "--width", "400", "--all"];
    let files: Vec<_> =
        ["r.json", "r.html", "r.md", "r.sarif", "r.xml"].map(|name| folder.join(name)).into();
    for file in &files {
        arguments.extend(["--output", at(file)]);
    }
    arguments.extend(["--save-snapshot", at(&snapshot)]);
    let ran = dbvitals(&arguments);
    let mut all = format!("{}{}", ran.out, ran.err);
    for file in files.iter().chain([&snapshot]) {
        all.push_str(&fs::read_to_string(file).unwrap());
    }
    (ran, all)
}

/// The server cannot be examined, for this reason and with this remedy.
#[track_caller]
fn lost(url: &str, says: &[&str]) {
    lost_within("30s", url, says);
}

#[track_caller]
fn lost_within(timeout: &str, url: &str, says: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (ran, all) = everything(url, timeout, folder.path());
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(!all.contains(SECRET), "the password of {url} is shown: {ran:?}");
    assert!(ran.out.contains("wanted"), "{ran:?}");
    for word in says {
        assert!(ran.out.contains(word), "{word:?} is missing: {ran:?}");
        let json = fs::read_to_string(folder.path().join("r.json")).unwrap();
        let quoted = serde_json::to_string(word).unwrap();
        assert!(json.contains(quoted.trim_matches('"')), "{word:?} is missing: {json}");
    }
}

fn with_secret(server: &Postgres, user: &str, database: &str) -> String {
    server.url(user, SECRET, database)
}

#[tokio::test]
async fn postgres_that_lets_nobody_in() {
    let server = shared(PgVersion::V16).unwrap();
    let sql = format!(
        "create role keeper login password '{SECRET}'; \
         create role crowded login password '{SECRET}' connection limit 0"
    );
    server.sql("postgres", &sql).await.unwrap();
    lost(&with_secret(server, "monitor", "postgres"), &["28P01", "password"]);
    lost(&with_secret(server, "keeper", "missing"), &["missing", "3D000", "database"]);
    lost(&with_secret(server, "crowded", "postgres"), &["53300", "connection"]);
    let tls = format!("{}?sslmode=require", with_secret(server, "keeper", "postgres"));
    lost(&tls, &["TLS", "sslmode"]);
}

#[test]
fn nobody_there() {
    let nobody = Hostile::refuses().unwrap();
    let port = nobody.port();
    lost(&format!("postgres://me:{SECRET}@127.0.0.1:{port}/d"), &["refused", "check that"]);
    lost(&format!("redis://me:{SECRET}@127.0.0.1:{port}"), &["refused"]);
    lost(&format!("postgres://me:{SECRET}@nowhere.invalid/d"), &["nowhere.invalid", "resolve"]);
    lost(&format!("redis://:{SECRET}@nowhere.invalid"), &["nowhere.invalid"]);
}

#[test]
fn silence() {
    let silent = Hostile::never_answers().unwrap();
    let port = silent.port();
    let url = format!("postgres://me:{SECRET}@127.0.0.1:{port}/d");
    lost_within("2s", &url, &["answer within", "time"]);
    let url = format!("redis://me:{SECRET}@127.0.0.1:{port}");
    lost_within("2s", &url, &["answer within", "time"]);
}

#[test]
fn starting_up() {
    let body = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let length = u32::try_from(body.len() + 4).unwrap();
    let message = [b"E".as_slice(), &length.to_be_bytes(), body].concat();
    let starting = Hostile::says(&message).unwrap();
    let url = format!("postgres://me:{SECRET}@127.0.0.1:{}/d", starting.port());
    lost(&format!("{url}?sslmode=disable"), &["57P03", "wait until"]);
}

#[test]
fn redis_that_lets_nobody_in() {
    let server = Redis::builder(RedisVersion::V7).password("right").start().unwrap();
    let port = server.port();
    lost(&format!("redis://:{SECRET}@127.0.0.1:{port}"), &["password"]);
    lost(&format!("redis://127.0.0.1:{port}"), &["password"]);
    lost(&format!("rediss://:{SECRET}@127.0.0.1:{port}"), &["TLS"]);
}

#[test]
fn each_speaks_to_the_other() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let postgres = shared(PgVersion::V16).unwrap();
    let url = format!("postgres://me:{SECRET}@127.0.0.1:{}/d", redis.port());
    lost(&url, &["Redis", "redis://"]);
    let url = format!("redis://:{SECRET}@127.0.0.1:{}", postgres.port());
    lost(&url, &["PostgreSQL", "postgres"]);
}

#[test]
fn one_lost_server_does_not_cost_the_other() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let nobody = Hostile::refuses().unwrap();
    let (good, lost) = (format!("good={}", redis.url()), format!("lost={}", nobody.postgres_url()));
    let ran = audit(&[&good, &lost]).ended(&[3]);
    let report = ran.json();
    let checked = list(&report, "/coverage/checked");
    assert!(checked.iter().filter(|c| text(c, "/target") == "good").count() > 20, "{report}");
    let target = |name| list(&report, "/targets").iter().find(|t| text(t, "/name") == name);
    assert_eq!(text(target("good").unwrap(), "/kind"), "redis");
    assert!(target("lost").unwrap().to_string().contains("refused"), "{report}");
    let alone = audit(&[&good]).ended(&[0]).json();
    let of_good = |report| {
        let of = list(report, "/findings").iter().filter(|f| text(f, "/target") == "good");
        of.map(|finding| text(finding, "/check").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of_good(&report), of_good(&alone));
    let shown = dbvitals(&["audit", &good, &lost]).ended(&[3]);
    assert!(shown.out.contains("NOT EXAMINED") && shown.out.contains("✗ lost"), "{shown:?}");
}

#[test]
fn what_was_found_decides() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let report = audit(&[&redis.url(), "--only", "redis-*"]).ended(&[0]).json();
    assert!(broken(&report).is_empty(), "{report}");
    let has =
        |severity| list(&report, "/findings").iter().any(|f| text(f, "/severity") == severity);
    let expected = [
        ("never", false),
        ("critical", has("critical")),
        ("warning", has("critical") || has("warning")),
        ("info", has("critical") || has("warning") || has("info")),
    ];
    assert!(expected[3].1, "an open Redis without a password has findings: {report}");
    for (level, fails) in expected {
        let url = redis.url();
        let ran = dbvitals(&["audit", &url, "--only", "redis-*", "--fail-on", level]);
        assert_eq!(ran.code, i32::from(fails), "{level}: {ran:?}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    for arguments in [&["checks", "--format", "json"][..], &["man"], &["schema"], &["--help"]] {
        let mut child = begin(arguments);
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(ended.stderr.is_empty(), "{ended:?}");
    }
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = command(&["schema"]).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(70), "a full disk is one: {ended:?}");
}
