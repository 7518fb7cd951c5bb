//! What goes wrong in the middle of an audit is told, and what was seen before is kept.

use std::{
    process::{Child, Command},
    time::{Duration, Instant},
};

use dbvitals_testkit::{Hostile, PgVersion, Postgres, Redis, RedisVersion, shared};
use serde_json::Value;

use crate::run::{audit, begin, broken, end, list, text};

/// Our session samples what others do: it waits for the second look.
const WAITING: &str = "select count(*) > 0 from pg_stat_activity where application_name = 'dbvitals' \
    and query like '%dbvitals:sampling%'";

const NONE: &str = "select count(*) = 0 from pg_stat_activity where application_name = 'dbvitals'";

/// Begins an audit that looks twice.
fn twice(urls: &[&str], apart: &str) -> Child {
    let how = ["audit", "--format", "json", "--fail-on", "never", "--interval", apart];
    begin(&[&how, urls].concat())
}

fn sections(report: &Value, target: &str, collected: bool) -> usize {
    let mine = list(report, "/coverage/sections").iter().filter(|s| text(s, "/target") == target);
    mine.filter(|section| section["collected"] == collected).count()
}

fn problems(report: &Value) -> String {
    list(report, "/targets").iter().map(|target| target["problems"].to_string()).collect()
}

#[tokio::test]
async fn a_server_that_dies_between_two_looks() {
    let server = Postgres::builder(PgVersion::V14).start().unwrap();
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let (dying, living) =
        (format!("dying={}", server.superuser_url("postgres")), format!("well={}", redis.url()));
    let audit = twice(&[&dying, &living], "6s");
    server.wait_until("postgres", WAITING).await.unwrap();
    server.kill().unwrap();
    let ran = end(audit).ended(&[3]);
    let report = ran.json();
    assert!(problems(&report).contains("lost"), "{report}");
    assert!(!broken(&report).is_empty(), "{report}");
    let dying = list(&report, "/targets").iter().find(|t| text(t, "/name") == "dying").unwrap();
    assert!(text(dying, "/version").starts_with("14"), "what was learnt is kept: {dying}");
    let well = list(&report, "/coverage/checked").iter().filter(|c| text(c, "/target") == "well");
    assert!(well.count() > 20, "{report}");
}

#[tokio::test]
async fn a_connection_that_is_cut_in_mid_answer() {
    let server = shared(PgVersion::V18).unwrap();
    let look = |url: &str| audit(&[&format!("one={url}"), "--include", "postgres"]);
    let whole = look(&server.superuser_url("postgres")).ended(&[0]).json();
    let values: u64 = list(&whole, "/cost").iter().filter_map(|cost| cost["bytes"].as_u64()).sum();
    let mut partial = 0;
    for quarters in 1..4 {
        // On the wire there is more than the values, so that each of these is before the end.
        let bytes = usize::try_from(values * quarters / 4).unwrap();
        let cutting = Hostile::cuts_after(server.port(), bytes).unwrap();
        let ran = look(&cutting.postgres_url()).ended(&[3, 4]);
        let report = ran.json();
        let (seen, lost) = (sections(&report, "one", true), sections(&report, "one", false));
        assert!(seen < sections(&whole, "one", true) && lost > 0, "{bytes}: {seen}, {lost}");
        assert!(ran.out.contains("lost") || ran.out.contains("closed"), "{bytes}: {ran:?}");
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        partial += usize::from(ran.code == 3 && seen > 0);
    }
    assert!(partial >= 2, "what came before the cut is kept");
}

#[tokio::test]
async fn an_interrupt_ends_it_and_leaves_no_session() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    let redis = Redis::builder(RedisVersion::V6_2).start().unwrap();
    let url = server.superuser_url("postgres");
    let mut audit = twice(&[&url, &redis.url()], "5m");
    server.wait_until("postgres", WAITING).await.unwrap();
    let pid = audit.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    // Generous: a loaded machine is slow, and five minutes are what it would take without the interrupt.
    let begun = Instant::now();
    while audit.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it goes on after an interrupt");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ran = end(audit).ended(&[130]);
    assert_eq!((ran.out.as_str(), ran.err.trim_end()), ("", "error: interrupted"));
    server.wait_until("postgres", NONE).await.unwrap();
}

#[tokio::test]
async fn a_locked_table_is_passed_over_and_told() {
    let server = shared(PgVersion::V13).unwrap();
    let database = server.fresh_database("locked").await.unwrap();
    let make =
        "create table kept_shut (id int primary key); create table open (id int primary key)";
    server.sql(&database, make).await.unwrap();
    let holder = server.client(&database).await.unwrap();
    holder.batch_execute("begin; lock table kept_shut in access exclusive mode").await.unwrap();
    let url = server.monitor_url(&database);
    let report = audit(&[&url, "--include", &database]).ended(&[0]).json();
    let coverage = report["coverage"].to_string();
    assert!(coverage.contains("kept_shut") && coverage.contains("lock"), "{coverage}");
    holder.batch_execute("rollback").await.unwrap();
    let report = audit(&[&url, "--include", &database]).ended(&[0]).json();
    assert!(!report["coverage"].to_string().contains("kept_shut"), "{report}");
}

#[tokio::test]
async fn a_database_that_goes_away_in_the_middle() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    server.create_database("doomed").await.unwrap();
    server.create_database("staying").await.unwrap();
    server.sql("staying", "create table t (n int)").await.unwrap();
    let audit = twice(&[&server.monitor_url("postgres")], "5s");
    server.wait_until("postgres", WAITING).await.unwrap();
    server.sql("postgres", "drop database doomed").await.unwrap();
    let report = end(audit).ended(&[0, 3]).json();
    assert!(problems(&report).contains("doomed"), "{report}");
    let staying = |skip: &String| skip.contains("staying");
    assert!(!broken(&report).iter().any(staying), "{report}");
    assert!(report["cost"].to_string().contains("columns@staying"), "{report}");
}

#[tokio::test]
async fn a_database_without_connect_is_told_with_its_grant() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    server.create_database("closed").await.unwrap();
    server.sql("postgres", "revoke connect on database closed from public").await.unwrap();
    let report = audit(&[&server.monitor_url("postgres")]).ended(&[0]).json();
    let grant = |skip: &&Value| {
        text(skip, "/remedy").contains("GRANT CONNECT ON DATABASE \"closed\" TO \"monitor\"")
    };
    let told = list(&report, "/coverage/skipped").iter().find(grant);
    assert!(told.is_some(), "{}", report["coverage"]["skipped"]);
    let other = audit(&[&server.superuser_url("postgres")]).ended(&[0]).json();
    assert!(!list(&other, "/coverage/skipped").iter().any(|skip| grant(&skip)));
}

#[tokio::test]
async fn a_standby_that_dies_in_the_middle_leaves_the_primary_whole() {
    let primary = Postgres::builder(PgVersion::V16).start().unwrap();
    let standby = primary.standby_named("s1").await.unwrap();
    let (main, other) = (primary.monitor_url("postgres"), standby.monitor_url("postgres"));
    let audit = twice(&[&format!("main={main}"), &format!("s1={other}")], "3s");
    standby.wait_until("postgres", WAITING).await.unwrap();
    standby.kill().unwrap();
    let report = end(audit).ended(&[3]).json();
    let of = |name: &str| list(&report, "/targets").iter().find(|t| text(t, "/name") == name);
    assert!(problems(&report).contains("lost"), "{report}");
    assert_eq!(of("main").map(|target| list(target, "/problems").len()), Some(0), "{report}");
    let lost = broken(&report);
    // What concerns the machine below needs every server on it.
    let is_of_standby = |skip: &String| skip.contains("s1") || skip.contains("host-oom-risk");
    assert!(lost.iter().all(is_of_standby), "each names the standby: {lost:#?}");
    assert!(sections(&report, "main", true) > 30, "{report}");
}

#[tokio::test]
async fn a_server_without_room_for_another_session_is_told_in_part() {
    let server = Postgres::builder(PgVersion::V14).start().unwrap();
    server.create_database("other").await.unwrap();
    server.sql("postgres", "alter role monitor connection limit 1").await.unwrap();
    let report = audit(&[&format!("main={}", server.monitor_url("postgres"))]).ended(&[3]).json();
    assert!(problems(&report).contains("too many connections"), "{}", report["targets"]);
    let lost = broken(&report);
    assert!(!lost.is_empty() && lost.iter().all(|skip| skip.contains("other")), "{lost:#?}");
    let holder = server.client_as(&server.monitor_url("postgres")).await.unwrap();
    let ran = audit(&[&server.monitor_url("postgres")]).ended(&[4]);
    assert!(ran.out.contains("too many connections"), "{ran:?}");
    drop(holder);
}
