//! Looking at the sessions while the window is open: what they do, who waits for whom, and what looking costs.

use std::time::Duration;

use dbvitals_model::pg::window::Sampled;
use dbvitals_postgres::{
    Target,
    collect::{Options, collect},
};
use dbvitals_testkit::{PgBouncer, PgVersion, Postgres};
use tokio::task::JoinHandle;

use crate::support::until_no_session;

async fn watch(url: &str, samples_per_second: f64) -> Sampled {
    let target = Target::parse(url, &|_| None).unwrap();
    let window = Some(Duration::from_secs(2));
    let options = Options { window, samples_per_second, ..Options::default() };
    let seen = collect(&target, &options, &|_| {}).await.unwrap();
    seen.snapshot.window.value().unwrap().sampled.clone().unwrap()
}

/// A session that runs these statements, and its process id.
async fn busy(server: &Postgres, sql: &'static str) -> (i64, JoinHandle<()>) {
    let client = server.client("postgres").await.unwrap();
    let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let task = tokio::spawn(async move { drop(client.batch_execute(sql).await) });
    (i64::from(pid), task)
}

async fn cancel_all(server: &Postgres) {
    let all = "select pg_cancel_backend(pid) from pg_stat_activity where state = 'active' \
               and pid <> pg_backend_pid()";
    server.sql("postgres", all).await.unwrap();
}

#[tokio::test]
async fn waits_for_locks_have_their_tree_and_their_length() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        server.sql("postgres", "create table t (id int)").await.unwrap();
        let holder = server.client("postgres").await.unwrap();
        holder.batch_execute("begin; lock table t").await.unwrap();
        let (_, one) = busy(&server, "begin; lock table t; commit").await;
        let (_, other) = busy(&server, "select * from t").await;
        let both = "select count(*) = 2 from pg_locks where not granted";
        server.wait_until("postgres", both).await.unwrap();
        let seen = watch(&server.monitor_url("postgres"), 10.0).await;
        assert_eq!(seen.lock_waits.waits, 2, "each wait once, however often it was seen");
        assert!(seen.lock_waits.longest[0].waited_ms >= 1500.0, "{seen:?}");
        assert_eq!(seen.trees.len(), 1, "{seen:?}");
        let tree = &seen.trees[0];
        assert_eq!((tree.victims_max, tree.state.as_deref()), (2, Some("idle in transaction")));
        assert_eq!(tree.user.as_deref(), Some("postgres"));
        assert!(tree.longest_ms >= 900.0, "{seen:?}");
        assert_eq!(seen.classes()[0].0, "Lock");
        assert!((seen.active_mean - 2.0).abs() < 0.01, "{seen:?}");
        assert!(seen.longest_transaction_ms >= 1500.0);
        holder.batch_execute("rollback").await.unwrap();
        one.await.unwrap();
        other.await.unwrap();
    }
}

#[tokio::test]
async fn time_is_told_by_event_and_by_statement() {
    let server = Postgres::builder(PgVersion::V16).preload("pg_stat_statements").start().unwrap();
    server.sql("postgres", "create extension pg_stat_statements").await.unwrap();
    let (_, first) = busy(&server, "select pg_sleep(600)").await;
    let (_, second) = busy(&server, "select pg_sleep(700)").await;
    let both = "select count(*) = 2 from pg_stat_activity where wait_event = 'PgSleep'";
    server.wait_until("postgres", both).await.unwrap();
    let seen = watch(&server.monitor_url("postgres"), 10.0).await;
    assert!(seen.looks >= 5, "{seen:?}");
    assert_eq!(seen.events[0].event, "PgSleep");
    assert!((seen.events[0].sessions_mean - 2.0).abs() < 0.01, "{seen:?}");
    let statement = &seen.statements[0];
    assert!((statement.sessions_mean - 2.0).abs() < 0.01, "{seen:?}");
    let text = statement.text.as_deref().unwrap();
    assert!(text.contains("pg_sleep") && !text.contains("600"), "{text}");
    cancel_all(&server).await;
    first.await.unwrap();
    second.await.unwrap();
}

#[tokio::test]
async fn it_pays_for_looks_by_waiting_and_says_what_they_cost() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    let seen = watch(&server.monitor_url("postgres"), 1_000.0).await;
    assert!(seen.looks as f64 <= 1_000.0 * seen.seconds / 10.0, "{seen:?}");
    // One look more than is paid for may be under way when the window closes.
    let dearest = 4.0 * seen.server_ms / seen.looks as f64 / 1000.0 / seen.seconds;
    assert!(seen.server_ms > 0.0 && seen.cost_ratio() <= 0.01 + dearest, "{seen:?}");
}

#[tokio::test]
async fn behind_a_pooler_in_transaction_mode_it_looks_as_well_and_leaves_nothing() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    let pooler = PgBouncer::transaction_mode(&server).unwrap();
    let (_, sleeper) = busy(&server, "select pg_sleep(600)").await;
    let asleep = "select count(*) = 1 from pg_stat_activity where wait_event = 'PgSleep'";
    server.wait_until("postgres", asleep).await.unwrap();
    let seen = watch(&pooler.monitor_url("postgres"), 10.0).await;
    assert!(seen.looks >= 3 && seen.failed == 0, "{seen:?}");
    assert_eq!(seen.events[0].event, "PgSleep");
    cancel_all(&server).await;
    sleeper.await.unwrap();
    let other = server.client_as(&pooler.monitor_url("postgres")).await.unwrap();
    let left = other.simple_query("select name from pg_prepared_statements").await.unwrap();
    let rows = left.iter().filter(|m| matches!(m, tokio_postgres::SimpleQueryMessage::Row(_)));
    assert_eq!(rows.count(), 0);
}

#[tokio::test]
async fn looking_writes_nothing() {
    // Nothing but us may write: no autovacuum, and no background writing of snapshots or checkpoints.
    let server = Postgres::builder(PgVersion::V18)
        .setting("autovacuum", "off")
        .setting("checkpoint_timeout", "1d")
        .setting("wal_level", "minimal")
        .setting("max_wal_senders", "0")
        .start()
        .unwrap();
    let state =
        "select pg_current_wal_insert_lsn() || ' ' || pg_snapshot_xmax(pg_current_snapshot())";
    // The first audit may set hint bits; the second one is on clean pages.
    watch(&server.monitor_url("postgres"), 50.0).await;
    server.sql("postgres", "checkpoint").await.unwrap();
    server.scalar("postgres", state).await.unwrap();
    let before = server.scalar("postgres", state).await.unwrap();
    let seen = watch(&server.monitor_url("postgres"), 50.0).await;
    assert!(seen.looks > 10, "{seen:?}");
    until_no_session(&server).await;
    assert_eq!(server.scalar("postgres", state).await.unwrap(), before);
}
