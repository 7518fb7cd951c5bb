//! `dbvitals query analyze --verify` against real servers.

use std::process::Command;

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::run::{begin, dbvitals};

const FILL: &str = "create schema app; \
    create table app.customers (id int primary key, name varchar(20) not null, score real); \
    create table app.orders (id bigint primary key, customer_id int, status text not null, \
        placed_at timestamp not null, price numeric(10, 2), note jsonb); \
    insert into app.orders select g, g, 'open', now(), g, null from generate_series(1, 10) g; \
    create type mood as enum ('good', 'bad'); create table moods (id int primary key, m mood); \
    create domain app.short as text; create table shorts (id int primary key, s app.short)";

/// Databases that verifying made.
const LEFT: &str = "select count(*) from pg_database where datname like 'dbvitals\\_verify%'";

fn server(version: PgVersion) -> Postgres {
    Postgres::builder(version).start().unwrap()
}

/// What verifying told of each rewrite, by its rule.
fn verified(watched: &str, scratch: &str, text: &str) -> (Vec<(String, Value)>, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let fixed = ["query", "analyze", "-q", "-t", watched, "--verify", "--scratch", scratch];
    let more = ["--save-snapshot", path, text];
    let ran = dbvitals(&[&fixed[..], &more].concat()).ended(&[0, 1]);
    let snapshot: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let statement = &snapshot["targets"][0]["data"]["statement"];
    let rewrites = statement["rewrites"].as_array().unwrap();
    let told = rewrites.iter().map(|it| (it["rule"].as_str().unwrap().to_owned(), it.clone()));
    (told.collect(), ran.out)
}

#[tokio::test]
async fn what_is_called_equivalent_is_compared_and_nothing_is_left() {
    let scratch = server(PgVersion::NEWEST);
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let watched = server(version);
        watched.sql("postgres", FILL).await.unwrap();
        let urls = [watched.superuser_url("postgres"), scratch.superuser_url("postgres")];
        // On another server, and on the same where the user says so.
        for place in &urls {
            let text = "select o.id, (select name from app.customers c where c.id = o.customer_id) \
                from app.orders o where (o.status = 'open' or o.status = 'new') and o.placed_at::date = '2026-01-01' \
                and o.price > $1";
            let (told, page) = verified(&urls[0], place, text);
            let rules: Vec<&str> = told.iter().map(|(rule, _)| rule.as_str()).collect();
            assert_eq!(
                rules,
                ["or-to-in", "scalar-subquery-to-join", "function-of-time-to-range"],
                "{page}"
            );
            for (rule, advice) in &told {
                let seen = &advice["verification"];
                assert_eq!(seen["comparisons"], 40, "{rule}: {seen}");
                assert!(seen["with_rows"].as_u64().unwrap() > 0, "{rule}: {seen}");
                assert!(seen["counterexample"].is_null() && seen["trouble"].is_null(), "{seen}");
                assert_eq!(advice["is_equivalent"], true);
            }
            let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains("Verified: both yielded the same in 40 comparisons"), "{page}");
            let text = "delete from app.orders where id = 1 or id = 2 returning (select count(*) from app.customers) > 0";
            let (told, page) = verified(&urls[0], place, text);
            assert_eq!(told.len(), 2, "{page}");
            assert!(told.iter().all(|(_, it)| it["verification"]["comparisons"] == 40), "{told:?}");
        }
        let rows = watched.scalar("postgres", "select count(*) from app.orders").await.unwrap();
        assert_eq!(rows, "10", "the watched tables are not touched");
        assert_eq!(watched.scalar("postgres", LEFT).await.unwrap(), "0");
        assert_eq!(scratch.scalar("postgres", LEFT).await.unwrap(), "0");
    }
}

#[tokio::test]
async fn what_cannot_be_compared_is_said_to_be_so() {
    let server = server(PgVersion::V16);
    server.sql("postgres", FILL).await.unwrap();
    let make = "create function app.touch() returns int language sql volatile as 'select 1'";
    server.sql("postgres", make).await.unwrap();
    let url = server.superuser_url("postgres");
    for (text, wanted) in [
        ("select * from shorts where id = 1 or id = 2", "type app.short"),
        ("select id from moods where (id = 1 or id = 2) and m = 'bad'", ""),
        ("select app.touch() from app.orders where id = 1 or id = 2", "app.touch"),
    ] {
        let (told, page) = verified(&url, &url, text);
        let trouble = told[0].1["verification"]["trouble"].as_str().unwrap_or_default();
        assert!(trouble.contains(wanted), "{text}: {trouble}");
        let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(flat.contains("Not verified: "), !wanted.is_empty(), "{page}");
    }
    assert_eq!(server.scalar("postgres", LEFT).await.unwrap(), "0");
}

#[tokio::test]
async fn what_is_missing_is_one_clear_message() {
    let server = server(PgVersion::V15);
    server.sql("postgres", "create role nobody login password 'secret'").await.unwrap();
    let url = server.superuser_url("postgres");
    let fixed = ["query", "analyze", "-t", url.as_str(), "select 1"];
    let ran = dbvitals(&[&fixed[..], &["--verify"]].concat()).ended(&[2]);
    assert!(ran.err.contains("--scratch"), "{}", ran.err);
    let ran = dbvitals(&[&fixed[..], &["--scratch", &url]].concat()).ended(&[2]);
    assert!(ran.err.contains("--verify"), "{}", ran.err);
    let poor = url.replacen("postgres:postgres@", "nobody:secret@", 1);
    assert_ne!(poor, url);
    let ran = dbvitals(&[&fixed[..], &["--verify", "--scratch", &poor]].concat()).ended(&[2]);
    assert!(ran.err.contains("CREATEDB") && !ran.err.contains("secret"), "{}", ran.err);
    let nowhere = ["--verify", "--scratch", "postgres://127.0.0.1:1/x"];
    dbvitals(&[&fixed[..], &nowhere].concat()).ended(&[4]);
    let redis = ["--verify", "--scratch", "redis://127.0.0.1:1"];
    let ran = dbvitals(&[&fixed[..], &redis].concat()).ended(&[2]);
    assert!(ran.err.contains("no PostgreSQL server"), "{}", ran.err);
    assert_eq!(server.scalar("postgres", LEFT).await.unwrap(), "0");
}

#[tokio::test]
async fn what_is_interrupted_leaves_no_database() {
    let server = server(PgVersion::V15);
    let url = server.superuser_url("postgres");
    for (signal, code) in [("-INT", 130), ("-TERM", 130)] {
        let mut running = begin(&[
            "query",
            "analyze",
            "-q",
            "-t",
            &url,
            "--verify",
            "--scratch",
            &url,
            "--analyze",
            "--timeout",
            "50m",
            "select pg_sleep(2997)",
        ]);
        let runs = "select count(*) = 1 from pg_stat_activity where query like 'EXPLAIN (ANALYZE%pg_sleep(2997)' \
                    and state = 'active'";
        server.wait_until("postgres", runs).await.unwrap();
        assert_eq!(server.scalar("postgres", LEFT).await.unwrap(), "1");
        let pid = running.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(running.wait().unwrap().code(), Some(code));
        assert_eq!(server.scalar("postgres", LEFT).await.unwrap(), "0", "{signal}");
    }
}
