//! `dbvitals query analyze --verify` against real servers.

use std::{collections::BTreeSet, process::Command};

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
    let (mut told, page) = all_verified(watched, scratch, &[text]);
    (told.swap_remove(0), page)
}

/// The same for several statements at once, each by itself.
pub(crate) fn all_verified(
    watched: &str,
    scratch: &str,
    texts: &[&str],
) -> (Vec<Vec<(String, Value)>>, String) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let fixed = ["query", "analyze", "-q", "-t", watched, "--verify", "--scratch", scratch];
    let more = ["--save-snapshot", path];
    let ran = dbvitals(&[&fixed[..], &more, texts].concat()).ended(&[0, 1]);
    let snapshot: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let targets = snapshot["targets"].as_array().unwrap();
    let told = |target: &Value| {
        let rewrites = target["data"]["statement"]["rewrites"].as_array().unwrap();
        rewrites.iter().map(|it| (it["rule"].as_str().unwrap().to_owned(), it.clone())).collect()
    };
    (targets.iter().map(told).collect(), ran.out)
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
            // What gains most comes first.
            let saving = |it: &Value| {
                let cost = |name: &str| it[name].as_f64().unwrap();
                (cost("cost_before") - cost("cost_after")) / cost("cost_before")
            };
            assert!(told.is_sorted_by(|(_, a), (_, b)| saving(a) >= saving(b) - 0.03), "{page}");
            let rules: BTreeSet<&str> = told.iter().map(|(rule, _)| rule.as_str()).collect();
            let wanted = ["function-of-time-to-range", "or-to-in", "scalar-subquery-to-join"];
            assert_eq!(rules, wanted.into(), "{page}");
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
        ("select * from shorts where id = 1 or id = 2", ""),
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

/// What an outright kill leaves: a database of our name, marked as ours when it was made.
#[tokio::test]
async fn what_a_killed_run_left_goes_with_the_next_and_nothing_else_does() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = server(version);
        let url = server.superuser_url("postgres");
        let fixed = ["query", "analyze", "-q", "-t", &url, "--verify", "--scratch", &url];
        let sleep = ["--analyze", "--timeout", "50m", "select pg_sleep(2996)"];
        let mut running = begin(&[&fixed[..], &sleep].concat());
        let runs = "select count(*) = 1 from pg_stat_activity where query like 'EXPLAIN (ANALYZE%pg_sleep(2996)' \
                    and state = 'active'";
        server.wait_until("postgres", runs).await.unwrap();
        let made = "select datname from pg_database where datname like 'dbvitals\\_verify%'";
        let left = server.scalar("postgres", made).await.unwrap();
        let marked = format!(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = '{left}'"
        );
        let comment = server.scalar("postgres", &marked).await.unwrap();
        let (lead, time) = comment.split_at(comment.len() - 20);
        assert!(lead.contains("dbvitals") && time.ends_with('Z'), "{comment}");
        running.kill().unwrap();
        running.wait().unwrap();
        server
            .wait_until(
                "postgres",
                &format!("select count(*) = 0 from pg_stat_activity where datname = '{left}'"),
            )
            .await
            .unwrap();
        let names = |n: u32| format!("dbvitals_verify_{n}_00000000000000ff");
        let old = format!("{lead}2020-02-03T04:05:06Z");
        // Too young, not marked, marked by somebody else, in use.
        for (number, comment) in
            [(1, ""), (2, "made 2020-02-03T04:05:06Z"), (3, old.as_str()), (4, old.as_str())]
        {
            let name = names(number);
            server.sql("postgres", &format!("create database {name}")).await.unwrap();
            let mark = format!("comment on database {name} is '{comment}'");
            server.sql("postgres", &mark).await.unwrap();
        }
        let other = format!(
            "create database dbvitals_verify_mine; comment on database dbvitals_verify_mine is '{old}'"
        );
        for statement in other.split("; ") {
            server.sql("postgres", statement).await.unwrap();
        }
        let session = server.client(&names(3)).await.unwrap();
        let ran = dbvitals(&[&fixed[..], &["select 1"]].concat()).ended(&[0]);
        assert!(ran.err.contains(&names(4)) && ran.err.contains("killed"), "{}", ran.err);
        assert_eq!(ran.err.matches("dbvitals_verify").count(), 1, "{}", ran.err);
        let all = "select string_agg(datname, ' ' order by datname) from pg_database where datname like 'dbvitals%'";
        let mut kept =
            vec![names(1), names(2), names(3), left.clone(), "dbvitals_verify_mine".to_owned()];
        kept.sort();
        let mut there: Vec<String> =
            server.scalar("postgres", all).await.unwrap().split(' ').map(str::to_owned).collect();
        there.sort();
        assert_eq!(there, kept, "one that is young is left alone");
        drop(session);
        let mark = format!("comment on database {left} is '{old}'");
        server.sql("postgres", &mark).await.unwrap();
        let ran = dbvitals(&[&fixed[..], &["select 1"]].concat()).ended(&[0]);
        assert!(ran.err.contains(&left), "{}", ran.err);
    }
}
