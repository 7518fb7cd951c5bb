//! `dbvitals query top` and `slow` against real servers: the order is the server's own, and nothing is reset.

use std::{collections::BTreeSet, fs};

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::run::{at, audit, begin, dbvitals, end, list, text};

/// A name that is hard to quote, and to match as a pattern.
const ODD: &str = "it's [odd]; \"db\" *";

/// Each ranking with its own column of `pg_stat_statements`, where that is called alike on all versions.
const RANKINGS: [(&str, &str); 9] = [
    ("total", "total_exec_time"),
    ("mean", "mean_exec_time"),
    ("max", "max_exec_time"),
    ("calls", "calls"),
    ("rows", "rows"),
    ("spread", "stddev_exec_time"),
    ("temp", "temp_blks_read + temp_blks_written"),
    ("wal", "wal_bytes"),
    ("planning", "total_plan_time"),
];

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn server(version: PgVersion) -> Postgres {
    let server = Postgres::builder(version)
        .preload("pg_stat_statements")
        .setting("pg_stat_statements.track_planning", "on")
        .setting("pg_stat_statements.max", "10000")
        .setting("autovacuum", "off")
        .start()
        .unwrap();
    server
        .sql("postgres", "create extension pg_stat_statements; create role worker")
        .await
        .unwrap();
    server.sql("postgres", &format!("create database {} owner worker", ident(ODD))).await.unwrap();
    server
}

/// Work of many kinds by the role `worker`.
async fn work(server: &Postgres) {
    let client = server.client(ODD).await.unwrap();
    let run = async |text: &str| client.batch_execute(text).await.unwrap();
    run("set session authorization worker; set work_mem = '64kB'").await;
    run("create schema mine; create table mine.t (id int, name text)").await;
    run("insert into mine.t select g, md5(g::text) from generate_series(1, 30000) g").await;
    for id in 1..=40 {
        run(&format!("select * from mine.t where id = {id}")).await;
        run(&format!("update mine.t set name = 'x' where id = {id}")).await;
    }
    run("select a.id from mine.t a join mine.t b using (id) order by a.name").await;
    run("select count(*) from mine.t").await;
    run("select pg_sleep(0.15)").await;
}

/// What a person would ask the extension.
async fn plainly(server: &Postgres, by: &str) -> Vec<String> {
    let query = format!(
        "select s.queryid::text from pg_stat_statements s join pg_roles r on r.oid = s.userid \
         join pg_database d on d.oid = s.dbid where r.rolname = 'worker' and d.datname = $q${ODD}$q$ \
         and s.calls > 0 and {by} > 0 order by {by} desc, s.total_exec_time desc, s.queryid limit 6"
    );
    let rows = server.rows("postgres", &query).await.unwrap();
    rows.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

/// All that would tell of a reset or of a further call.
async fn counters(server: &Postgres, version: PgVersion) -> String {
    let reset = if version.major() >= 14 {
        "(select stats_reset::text || dealloc from pg_stat_statements_info)"
    } else {
        "''"
    };
    let query = format!(
        "select {reset} || sum(s.calls) || '/' || sum(s.rows) || '/' || sum(s.total_exec_time) from \
         pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = 'worker'"
    );
    server.scalar("postgres", &query).await.unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    list(page, "/statements").iter().map(|it| text(it, "/query_id").to_owned()).collect()
}

#[tokio::test]
async fn rankings_are_the_servers_own_and_nothing_is_reset() {
    for version in [PgVersion::V13, PgVersion::V16, PgVersion::V18] {
        let server = server(version).await;
        work(&server).await;
        let before = counters(&server, version).await;
        let url = format!("main={}", server.monitor_url("postgres"));
        let common = ["--database", ODD, "--user", "worker", "--limit", "6", "-f", "json"];
        for (by, column) in RANKINGS {
            let ran = dbvitals(&[&["query", "top", &url, "--by", by][..], &common].concat());
            let page = ran.ended(&[0]).json();
            assert_eq!(ids(&page), plainly(&server, column).await, "{version} by {by}");
            assert!(!ids(&page).is_empty(), "{version} by {by}");
        }
        assert_eq!(counters(&server, version).await, before, "{version}: looking changes nothing");
    }
}

#[tokio::test]
async fn each_statement_has_its_class_target_findings_and_advice() {
    let server = server(PgVersion::V16).await;
    work(&server).await;
    let url = server.monitor_url("postgres");
    let top = |more: &[&str]| {
        let common = ["query", "top", &url, "--user", "w*", "-f", "json"];
        dbvitals(&[&common[..], more].concat()).ended(&[0]).json()
    };
    let reads = top(&["--class", "simple_read"]);
    let [read] = list(&reads, "/statements") else { panic!("one statement: {reads:#}") };
    assert_eq!(text(read, "/text"), "select * from mine.t where id = $1");
    assert_eq!((&read["calls"], &read["rows_per_call"]), (&40.into(), &1.0.into()));
    assert_eq!((&read["class_target_ms"], text(read, "/database")), (&10.0.into(), ODD));
    assert_eq!(text(read, "/fingerprint").len(), 16);
    assert!(text(read, "/advice").contains("missing index"), "{read:#}");
    let spilled = top(&["--by", "temp", "--limit", "1"]);
    assert!(text(&spilled, "/statements/0/text").contains("order by a.name"), "{spilled:#}");
    assert!(text(&spilled, "/statements/0/advice").contains("work_mem"), "{spilled:#}");
    let shares = |page: &Value| -> f64 {
        list(page, "/statements").iter().map(|it| it["time_share"].as_f64().unwrap()).sum()
    };
    let all = dbvitals(&["query", "top", &url, "--limit", "9999", "-f", "json"]).ended(&[0]).json();
    assert!((0.95..=1.0001).contains(&shares(&all)), "{}", shares(&all));
    let sleeps = dbvitals(&[
        "query", "slow", &url, "--over", "140ms", "--user", "worker", "--class", "utility", "-f",
        "json",
    ]);
    let sleeps = sleeps.ended(&[0]).json();
    assert!(text(&sleeps, "/statements/0/text").contains("pg_sleep"), "{sleeps:#}");
    for format in ["terminal", "markdown", "html"] {
        let page = dbvitals(&["query", "top", &url, "--format", format]).ended(&[0]).out;
        for wanted in ["mine.t", "By database", "simple read", "counted for"] {
            assert!(page.to_lowercase().contains(&wanted.to_lowercase()), "{wanted}: {page}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_seen_is_said_with_its_remedy() {
    let bare = Postgres::builder(PgVersion::V16).start().unwrap();
    let page = dbvitals(&["query", "top", &bare.monitor_url("postgres"), "-f", "json"]);
    let page = page.ended(&[3]).json();
    assert!(text(&page, "/missing/0/remedy").contains("shared_preload_libraries"), "{page:#}");
    let loaded = Postgres::builder(PgVersion::V13).preload("pg_stat_statements").start().unwrap();
    let page = dbvitals(&["query", "slow", &loaded.monitor_url("postgres"), "-f", "json"]);
    let page = page.ended(&[3]).json();
    assert_eq!(
        text(&page, "/missing/0/remedy"),
        "CREATE EXTENSION pg_stat_statements;",
        "{page:#}"
    );
    let server = server(PgVersion::V18).await;
    work(&server).await;
    server.sql("postgres", "create role nobody login password 'p'").await.unwrap();
    let url = server.url("nobody", "p", "postgres");
    let page = dbvitals(&["query", "top", &url, "-f", "json"]).ended(&[0]).json();
    assert!(text(&page, "/missing/0/remedy").contains("GRANT pg_monitor TO"), "{page:#}");
    let of_others = list(&page, "/statements").iter().filter(|it| text(it, "/user") == "worker");
    let classes: BTreeSet<&str> = of_others.map(|it| text(it, "/class")).collect();
    assert_eq!(classes, BTreeSet::from(["unknown"]), "{page:#}");
    dbvitals(&["query", "top", "redis://127.0.0.1:1"]).ended(&[2]);
    dbvitals(&["query", "top", "postgres://u@127.0.0.1:1/x"]).ended(&[4]);
    dbvitals(&["query", "top", &url, "--database", "["]).ended(&[2]);
}

#[tokio::test]
async fn a_window_tells_only_what_happened_in_it() {
    let server = server(PgVersion::V17).await;
    work(&server).await;
    let url = format!("main={}", server.monitor_url("postgres"));
    let client = server.client(ODD).await.unwrap();
    client.batch_execute("set session authorization worker").await.unwrap();
    let mut looking =
        begin(&["query", "top", &url, "--user", "worker", "--interval", "1s", "-f", "json"]);
    let mut calls = 0;
    while looking.try_wait().unwrap().is_none() {
        client.batch_execute("select name from mine.t where id = 7").await.unwrap();
        calls += 1;
    }
    let page = end(looking).ended(&[0]).json();
    let [only] = list(&page, "/statements") else { panic!("only what ran: {page:#}") };
    assert_eq!(text(only, "/text"), "select name from mine.t where id = $1");
    let seen = only["calls"].as_i64().unwrap();
    assert!((1..=calls).contains(&seen), "{seen} of {calls}");
    // And between a saved snapshot and now.
    let earlier =
        std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("query-top-since.json");
    audit(&[&url, "--quiet", "--save-snapshot", at(&earlier)]).ended(&[0]);
    client.batch_execute("select name from mine.t where id = 8").await.unwrap();
    let page = dbvitals(&[
        "query",
        "top",
        &url,
        "--user",
        "worker",
        "--since",
        at(&earlier),
        "-f",
        "json",
    ]);
    let page = page.ended(&[0]).json();
    assert_eq!(page["statements"][0]["calls"], 1, "{page:#}");
    fs::remove_file(&earlier).unwrap();
}

#[tokio::test]
async fn five_thousand_entries_are_no_burden() {
    let server = server(PgVersion::V16).await;
    let columns: Vec<String> = (1..=72).map(|n| format!("c{n} int")).collect();
    let make = format!(
        "set pg_stat_statements.track = 'all'; create table wide ({}); \
         do $$ begin for i in 1..72 loop for j in 1..72 loop \
         execute format('select c%s from wide where c%s = 1', i, j); end loop; end loop; end $$",
        columns.join(", ")
    );
    server.sql("postgres", &make).await.unwrap();
    let entries =
        server.scalar("postgres", "select count(*) from pg_stat_statements").await.unwrap();
    assert!(entries.parse::<usize>().unwrap() >= 5184, "{entries}");
    let url = server.monitor_url("postgres");
    let begun = std::time::Instant::now();
    dbvitals(&["query", "top", &url]).ended(&[0]);
    println!("{entries} entries, 20 shown, in {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    let page = dbvitals(&["query", "top", &url, "--by", "calls", "--limit", "6000", "-f", "json"]);
    let page = page.ended(&[0]).json();
    println!("{entries} entries, all shown, in {:?}", begun.elapsed());
    assert_eq!(list(&page, "/missing"), [] as [Value; 0]);
    let wide =
        list(&page, "/statements").iter().filter(|it| text(it, "/text").contains("from wide"));
    assert_eq!(wide.count(), 5184);
}
