//! Sessions that wait, that make others wait, and transactions nobody ends.

use std::time::Duration;

use dbvitals_model::{Measure, Severity};
use dbvitals_testkit::{PgVersion, Postgres};
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::harness::{DATABASE, Trial, each};

async fn with_table(check: &'static str, server: Postgres) -> Trial {
    let trial = Trial::of(check, server).await;
    trial
        .sql("create table t (id int primary key, n int); insert into t values (1, 0), (2, 0)")
        .await;
    trial
}

fn plain(version: PgVersion) -> Postgres {
    Postgres::builder(version).start().unwrap()
}

/// A session that ran these statements and stays.
async fn session(trial: &Trial, text: &str) -> Client {
    let client = trial.server.client(DATABASE).await.unwrap();
    client.batch_execute(text).await.unwrap();
    client
}

/// A session in which this statement runs on; its end tells whether it failed.
async fn running(trial: &Trial, before: &str, text: &'static str) -> JoinHandle<bool> {
    let client = session(trial, before).await;
    tokio::spawn(async move { client.batch_execute(text).await.is_ok() })
}

const WAITING: &str = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'";
const CHANGE: &str = "update t set n = n + 1 where id = 1";

#[tokio::test]
async fn the_root_of_a_queue_is_ended_and_the_queue_moves_on() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let trial =
            with_table("pg-blocked-session", plain(version)).await.limit("warning_seconds", 0.0);
        trial.gone().await;
        let _root = session(&trial, &format!("begin; {CHANGE}")).await;
        let first = running(&trial, "", "alter table t add column note text").await;
        trial.until(&format!("({WAITING}) = 1")).await;
        let second = running(&trial, "", "select count(*) from t").await;
        trial.until(&format!("({WAITING}) = 2")).await;
        let found = trial.found().await;
        assert!(found.message.contains("2 sessions wait"), "{}", found.message);
        let tree = found.evidence.iter().find(|evidence| evidence.label == "tree").unwrap();
        let Measure::Text(tree) = &tree.value else { panic!("{tree:?}") };
        assert!(tree.contains("\n  session") && tree.contains("\n    session"), "{tree}");
        assert!(tree.contains("AccessExclusiveLock on public.t"), "{tree}");
        trial.apply(&found).await;
        assert!(first.await.unwrap() && second.await.unwrap());
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_session_idle_in_its_transaction_is_ended() {
    let trial = with_table("pg-idle-in-transaction", plain(PgVersion::V14)).await;
    let _idle = session(&trial, &format!("begin; {CHANGE}")).await;
    trial.gone().await;
    let trial = trial.limit("warning_seconds", 0.0);
    let found = trial.found().await;
    trial.apply(&found).await;
    trial.until("not exists (select from pg_stat_activity where state ~ '^idle in')").await;
    trial.gone().await;
}

#[tokio::test]
async fn a_long_transaction_is_ended_and_a_long_statement_cancelled() {
    let trial = with_table("pg-long-transaction", plain(PgVersion::V16)).await;
    let trial = trial.limit("warning_seconds", 1.0);
    let work = running(&trial, "begin; select pg_sleep(1.2)", "select pg_sleep(600)").await;
    trial.until("count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(600)'").await;
    let found = trial.found().await;
    trial.apply(&found).await;
    assert!(!work.await.unwrap());
    trial.gone().await;

    let trial = with_table("pg-long-running-statement", plain(PgVersion::V17)).await;
    let trial = trial.limit("warning_seconds", 0.0);
    let work = running(&trial, "", "select pg_sleep(600)").await;
    trial.until("count(*) = 1 from pg_stat_activity where query = 'select pg_sleep(600)'").await;
    let found = trial.found().await;
    assert_eq!(found.fix.as_ref().unwrap().statements.len(), 1);
    trial.apply(&found).await;
    assert!(!work.await.unwrap());
    trial.gone().await;
}

#[tokio::test]
async fn a_prepared_transaction_is_rolled_back_in_its_database() {
    let server = Postgres::builder(PgVersion::V15)
        .setting("max_prepared_transactions", "5")
        .start()
        .unwrap();
    let trial =
        with_table("pg-prepared-transaction-old", server).await.limit("warning_seconds", 0.0);
    trial.sql(&format!("begin; {CHANGE}; prepare transaction 'it''s \\ one'")).await;
    let found = trial.found().await;
    assert_eq!(found.subject.database.as_deref(), Some("app"));
    trial.apply(&found).await;
    trial.gone().await;
}

#[tokio::test]
async fn a_deadlock_is_told() {
    let server =
        Postgres::builder(PgVersion::V16).setting("deadlock_timeout", "10ms").start().unwrap();
    let trial = with_table("pg-deadlocks", server).await;
    trial.gone().await;
    let other = "update t set n = n + 1 where id = 2";
    let second = session(&trial, &format!("begin; {other}")).await;
    let first =
        running(&trial, &format!("begin; {CHANGE}"), "update t set n = 9 where id = 2").await;
    let ended_well = (second.batch_execute(CHANGE).await.is_ok(), first.await.unwrap());
    assert_ne!(ended_well.0, ended_well.1, "one of them is the victim");
    drop(second);
    trial.until("deadlocks = 1 from pg_stat_database where datname = 'app'").await;
    let found = trial.found().await;
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.message.starts_with("database app had 1 deadlock "), "{}", found.message);
}

#[tokio::test]
async fn a_full_lock_table_is_enlarged() {
    let server = Postgres::builder(PgVersion::V17)
        .setting("max_locks_per_transaction", "10")
        .setting("max_connections", "20")
        .start()
        .unwrap();
    let trial = with_table("pg-lock-table-nearly-full", server).await;
    let tables = each(30, |n| format!("create table many_{n} ();"));
    trial.sql(&tables).await;
    let locks = each(30, |n| format!("lock table many_{n};"));
    let holder = session(&trial, &format!("begin; {locks} savepoint s")).await;
    let trial = trial.limit("warning_ratio", 0.1);
    let found = trial.found().await;
    trial.apply(&found).await;
    drop(holder);
    trial.server.restart().unwrap();
    let _again = session(&trial, &format!("begin; {locks}")).await;
    let trial = trial.limit("warning_ratio", 0.1);
    trial.gone().await;
}

#[tokio::test]
async fn waits_seen_during_a_window_have_an_average() {
    let trial = with_table("pg-lock-wait-average", plain(PgVersion::V18)).await;
    let trial = trial.limit("min_waits", 1.0).window(Duration::from_secs(1));
    let root = session(&trial, &format!("begin; {CHANGE}")).await;
    let waiter = running(&trial, "", "update t set n = 7 where id = 1").await;
    trial.until(&format!("({WAITING}) = 1")).await;
    trial.found().await;
    root.batch_execute("rollback").await.unwrap();
    assert!(waiter.await.unwrap());
    trial.gone().await;
}
