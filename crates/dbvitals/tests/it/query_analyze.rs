//! `dbvitals query analyze` against real servers.

use std::{io::Write as _, process::Command};

use dbvitals_testkit::{PgVersion, Postgres, shared};
use serde_json::Value;

use crate::run::{Ran, begin, command, dbvitals, end};

const FILL: &str = "create table customers (id int primary key, name text not null, country text);
    create table orders (id int primary key, customer_id int not null references customers,
        status text not null, placed_at timestamp not null);
    insert into customers select g, 'n' || g, 'c' || g % 20 from generate_series(1, 500) g;
    insert into orders select g, g % 500 + 1, case when g % 50 = 0 then 'open' else 'done' end,
        timestamp '2026-01-01' - g * interval '1 minute' from generate_series(1, 20000) g;
    create role reader; grant select on orders, customers to reader;
    alter table orders enable row level security; create policy own on orders using (status <> 'open')";

struct Shop {
    server: Postgres,
    url: String,
}

async fn shop(version: PgVersion) -> Shop {
    let server = Postgres::builder(version).start().unwrap();
    server.sql("postgres", FILL).await.unwrap();
    server.sql("postgres", "analyze").await.unwrap();
    let url = server.superuser_url("postgres");
    Shop { server, url }
}

/// What was seen of each statement.
fn seen(shop: &Shop, arguments: &[&str], codes: &[i32]) -> (Vec<Value>, Ran) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let fixed = ["query", "analyze", "-q", "-t", &shop.url, "--save-snapshot", path];
    let ran = dbvitals(&[&fixed[..], arguments].concat()).ended(codes);
    let text = std::fs::read_to_string(path).unwrap();
    let snapshot: Value = serde_json::from_str(&text).unwrap();
    let targets = snapshot["targets"].as_array().unwrap();
    (targets.iter().map(|target| target["data"]["statement"].clone()).collect(), ran)
}

fn plans(statement: &Value) -> Vec<(String, Value)> {
    let plans = statement["plans"]["collected"]["value"].as_array().unwrap();
    plans.iter().map(|p| (p["kind"].as_str().unwrap().to_owned(), p.clone())).collect()
}

fn why_none(statement: &Value) -> String {
    let why = &statement["plans"]["unavailable"];
    format!("{} / {}", why["detail"].as_str().unwrap(), why["remedy"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn parameters_get_usual_values_and_both_plans() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let shop = shop(version).await;
        let text = "select * from orders where customer_id = $1 and status = $2 and placed_at > $3 limit $4";
        let (seen, _) = seen(&shop, &[text], &[0, 1]);
        let plans = plans(&seen[0]);
        let kinds: Vec<&str> = plans.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["custom", "generic"], "{version}");
        assert_eq!(plans[0].1["parameters"][1], "done");
        assert_eq!(plans[0].1["parameters"][3], "20");
        assert_eq!(seen[0]["class"], "simple read");
        let relations = seen[0]["facts"]["collected"]["value"]["relations"]["collected"]["value"]
            .as_array()
            .unwrap();
        assert_eq!(relations.len(), 1, "only what it touches: {relations:?}");
    }
}

#[tokio::test]
async fn executing_measures_and_leaves_nothing() {
    let shop = shop(PgVersion::V15).await;
    let text = "select count(*) from orders where status = $1";
    let (seen_, _) = seen(&shop, &["--analyze", "--param", "open", text], &[0, 1]);
    assert_eq!(plans(&seen_[0])[0].0, "measured");
    let refused =
        dbvitals(&["query", "analyze", "-t", &shop.url, "--analyze", "delete from orders"]);
    let refused = refused.ended(&[2]);
    assert!(refused.err.contains("--allow-writes") && refused.err.contains("delete from orders"));
    let writing = ["--analyze", "--allow-writes", "delete from orders"];
    let (seen_, _) = seen(&shop, &writing, &[0, 1]);
    assert_eq!(plans(&seen_[0])[0].0, "measured");
    let left = shop.server.scalar("postgres", "select count(*) from orders").await.unwrap();
    assert_eq!(left, "20000");
    // A function that writes is stopped by the transaction itself.
    let make =
        "create function sneaky() returns int language sql as 'delete from orders returning 1'";
    shop.server.sql("postgres", make).await.unwrap();
    let (seen_, _) = seen(&shop, &["--analyze", "select sneaky()"], &[0, 1, 3]);
    assert_eq!(plans(&seen_[0])[0].0, "generic");
    let left = shop.server.scalar("postgres", "select count(*) from orders").await.unwrap();
    assert_eq!(left, "20000");
}

#[tokio::test]
async fn a_role_is_planned_for_under_its_policies() {
    let shop = shop(PgVersion::V16).await;
    let (own, _) = seen(&shop, &["select * from orders where id = 7"], &[0, 1]);
    assert!(!plans(&own[0])[0].1.to_string().contains("'open'"));
    let (other, _) =
        seen(&shop, &["--as-role", "reader", "select * from orders where id = 7"], &[0, 1]);
    assert!(plans(&other[0])[0].1.to_string().contains("'open'"));
    assert_eq!(other[0]["role"], "reader");
    let (nobody, _) = seen(&shop, &["--as-role", "nobody", "select 1"], &[3]);
    assert!(why_none(&nobody[0]).contains("nobody"), "{}", why_none(&nobody[0]));
}

#[tokio::test]
async fn bad_input_gets_one_clear_answer_each() {
    let shop = shop(PgVersion::V15).await;
    let text = "select * from ordrs; selec 1; select 1; vacuum orders; select nme\nfrom customers;\n-- end";
    let (seen_, _) = seen(&shop, &[text], &[3]);
    assert_eq!(seen_.len(), 5);
    let near = why_none(&seen_[0]);
    assert!(near.contains("line 1, character 15") && near.contains("orders"), "{near}");
    assert!(seen_[1]["refused"].as_str().unwrap().contains("line 1, character 1"));
    assert!(why_none(&seen_[1]).contains("syntax error"), "{}", why_none(&seen_[1]));
    assert_eq!(plans(&seen_[2]).len(), 1, "one that is wrong keeps no other away");
    assert!(why_none(&seen_[3]).contains("VACUUM is not planned"));
    assert!(why_none(&seen_[4]).contains("column \"nme\""));
    for (arguments, wanted) in [
        (vec!["/* nothing */"], "there is no statement"),
        (vec!["--allow-writes", "select 1"], "--analyze"),
    ] {
        let fixed = ["query", "analyze", "-t", &shop.url];
        let ran = dbvitals(&[&fixed[..], &arguments].concat()).ended(&[2]);
        assert!(ran.err.contains(wanted), "{}", ran.err);
    }
    let nowhere = dbvitals(&["query", "analyze", "-t", "postgres://127.0.0.1:1/x", "select 1"]);
    nowhere.ended(&[4]);
    let redis =
        dbvitals(&["query", "analyze", "-t", "redis://127.0.0.1:1", "select 1"]).ended(&[2]);
    assert!(redis.err.contains("no PostgreSQL server"), "{}", redis.err);
}

#[tokio::test]
async fn a_huge_statement_is_no_trouble() {
    let shop = shop(PgVersion::V15).await;
    let list: Vec<String> = (0..150_000).map(|n| n.to_string()).collect();
    let text = format!("select * from orders where id in ({})", list.join(", "));
    assert!(text.len() > 1_000_000);
    let fixed = ["query", "analyze", "-q", "-t", &shop.url, "-f", "json", "-"];
    let mut child = command(&fixed)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    end(child).ended(&[0, 1]);
}

#[tokio::test]
async fn what_runs_too_long_or_is_interrupted_ends_on_the_server() {
    let shop = shop(PgVersion::V15).await;
    let slow = ["--analyze", "--timeout", "300ms", "select pg_sleep(3000)"];
    let (seen_, _) = seen(&shop, &slow, &[0, 1, 3]);
    assert_eq!(plans(&seen_[0])[0].0, "generic");
    let gaps = seen_[0]["plans"]["collected"]["gaps"].to_string();
    assert!(gaps.contains("timeout"), "{gaps}");
    let mut running = begin(&[
        "query",
        "analyze",
        "-q",
        "-t",
        &shop.url,
        "--analyze",
        "--timeout",
        "50m",
        "select pg_sleep(2998)",
    ]);
    let runs = "select count(*) = 1 from pg_stat_activity where query like 'EXPLAIN (ANALYZE%pg_sleep(2998)' \
                and state = 'active'";
    shop.server.wait_until("postgres", runs).await.unwrap();
    let pid = running.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let status = running.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let none = "select count(*) = 0 from pg_stat_activity where application_name = 'dbvitals'";
    shop.server.wait_until("postgres", none).await.unwrap();
}

#[tokio::test]
async fn counters_of_the_same_statement_are_found() {
    let server = shared(PgVersion::V15).unwrap();
    let database = server.fresh_database("counted").await.unwrap();
    server
        .sql(
            &database,
            "create extension if not exists pg_stat_statements; create table counted_t (id int)",
        )
        .await
        .unwrap();
    for id in 1..=3 {
        server.rows(&database, &format!("select * from counted_t where id = {id}")).await.unwrap();
    }
    let shop_url = server.superuser_url(&database);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let text = "select  * from counted_t where id = $1";
    dbvitals(&["query", "analyze", "-q", "-t", &shop_url, "--save-snapshot", path, text])
        .ended(&[0, 1]);
    let snapshot: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let calls = &snapshot["targets"][0]["data"]["statement"]["calls"];
    assert_eq!(calls["collected"]["value"]["calls"], 3, "{calls}");
}
