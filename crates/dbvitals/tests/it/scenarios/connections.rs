//! Connections: too many, too short, too idle, and without limits.

use dbvitals_testkit::{PgVersion, Postgres};
use tokio_postgres::Client;

use super::harness::{DATABASE, Trial};
use crate::run::{audit, findings, text};

async fn plain(check: &'static str, version: PgVersion) -> Trial {
    Trial::of(check, Postgres::builder(version).start().unwrap()).await
}

async fn connect(trial: &Trial, times: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..times {
        let client = trial.server.client(DATABASE).await.unwrap();
        client.batch_execute("select 1").await.unwrap();
        clients.push(client);
    }
    clients
}

#[tokio::test]
async fn idle_connections_are_counted_until_they_close() {
    let trial = plain("pg-too-many-idle-connections", PgVersion::V18).await;
    let clients = connect(&trial, 60).await;
    trial.gone().await;
    let trial = trial.limit("min_idle_seconds", 0.0);
    let found = trial.found().await;
    assert!(found.message.starts_with("60 of 60 connections"), "{}", found.message);
    drop(clients);
    trial.until("count(*) < 10 from pg_stat_activity where state = 'idle'").await;
    trial.gone().await;
}

#[tokio::test]
async fn connections_near_the_limit_are_told() {
    let trial = plain("pg-connections-near-limit", PgVersion::V16).await;
    let clients = connect(&trial, 80).await;
    trial.found().await;
    drop(clients);
    trial.until("count(*) < 10 from pg_stat_activity where state = 'idle'").await;
    trial.gone().await;
}

#[tokio::test]
async fn a_limit_beyond_reason_is_lowered() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    server.sql("postgres", "alter system set max_connections = 600").await.unwrap();
    server.restart().unwrap();
    let trial = Trial::of("pg-max-connections-oversized", server).await;
    let found = trial.found().await;
    trial.apply(&found).await;
    trial.server.restart().unwrap();
    trial.gone().await;
}

#[tokio::test]
async fn a_server_gets_its_first_timeout() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let trial = plain("pg-no-timeouts", version).await;
        let found = trial.found().await;
        trial.apply(&found).await;
        trial.until("current_setting('idle_in_transaction_session_timeout') = '10min'").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_timeout_of_one_role_is_enough() {
    let trial = plain("pg-no-timeouts", PgVersion::V18).await;
    trial.found().await;
    trial.sql("create role web login; alter role web set statement_timeout = '30s'").await;
    trial.gone().await;
}

#[tokio::test]
async fn a_database_that_mostly_rolls_back_is_told() {
    let trial = plain("pg-rollback-ratio", PgVersion::V15).await;
    trial.sql(&"begin; rollback;".repeat(200)).await;
    trial.gone().await;
    trial.sql(&"begin; commit;".repeat(900)).await;
    trial.until("xact_commit >= 900 from pg_stat_database where datname = 'app'").await;
    trial.found().await;
    trial.sql(&"begin; commit;".repeat(2000)).await;
    trial.until("xact_commit >= 2900 from pg_stat_database where datname = 'app'").await;
    trial.gone().await;
}

#[tokio::test]
async fn sessions_that_are_killed_are_counted() {
    let trial = plain("pg-sessions-abandoned", PgVersion::V16).await.limit("min_sessions", 10.0);
    let clients = connect(&trial, 20).await;
    trial
        .sql(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'app' \
              and pid <> pg_backend_pid()",
        )
        .await;
    trial.until("sessions_killed >= 20 from pg_stat_database where datname = 'app'").await;
    drop(clients);
    let found = trial.found().await;
    assert!(found.message.ends_with("most of them killed"), "{}", found.message);
}

#[tokio::test]
async fn short_sessions_are_counted() {
    let trial = plain("pg-connection-churn", PgVersion::V14).await;
    let trial = trial.limit("max_sessions_per_second", 0.01).limit("min_sessions", 20.0);
    drop(connect(&trial, 20).await);
    trial.until("sessions >= 20 from pg_stat_database where datname = 'app'").await;
    trial.found_about("database app got ").await;
}

#[tokio::test]
async fn the_time_to_connect_is_measured() {
    let trial = plain("pg-connection-latency", PgVersion::V18).await.limit("warning_ms", 0.0);
    let found = trial.found().await;
    assert!(found.message.ends_with("the median of 3 tries"), "{}", found.message);
}

#[tokio::test]
async fn the_time_to_connect_holds_the_handshake_of_tls() {
    let server = Postgres::builder(PgVersion::V16).tls().start().unwrap();
    let trial = Trial::of("pg-connection-latency", server).await.limit("warning_ms", 0.0);
    let found = trial.found().await;
    let of = |label: &str| {
        let evidence = found.evidence.iter().find(|one| one.label == label).unwrap();
        match evidence.value {
            dbvitals_model::Measure::Number(ms) => ms,
            dbvitals_model::Measure::Text(_) => unreachable!("a time is a number"),
        }
    };
    let (connect, trip) = (of("connect"), of("round trip"));
    assert!(connect > trip && trip > 0.0, "a handshake is several round trips: {found:?}");
}

#[tokio::test]
async fn a_full_server_says_what_to_do_and_lets_in_who_may_use_what_is_reserved() {
    let server = Postgres::builder(PgVersion::V17)
        .setting("max_connections", "13")
        .setting("superuser_reserved_connections", "3")
        .setting("reserved_connections", "3")
        .start()
        .unwrap();
    let mut clients = Vec::new();
    for _ in 0..7 {
        clients.push(server.client("postgres").await.unwrap());
    }
    // Ordinary roles are refused: by the server's own words, its code, and what would let them in.
    let main = format!("main={}", server.monitor_url("postgres"));
    let refused = audit(&[&main]).ended(&[4]).json();
    let said = text(&refused, "/targets/0/problems/0");
    for word in ["remaining connection slots are reserved", "53300", "pg_use_reserved_connections"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    // With the right to what is reserved the whole audit goes through, and tells that the server is full.
    server.sql("postgres", "grant pg_use_reserved_connections to monitor").await.unwrap();
    let report = audit(&[&main]).ended(&[0]).json();
    let found = findings(&report, "pg-connections-near-limit");
    assert_eq!(text(found[0], "/severity"), "critical", "{found:?}");
    drop(clients);
    server
        .wait_until(
            "postgres",
            "select count(*) < 3 from pg_stat_activity where datname is not null",
        )
        .await
        .unwrap();
    let report = audit(&[&main]).ended(&[0]).json();
    assert_eq!(findings(&report, "pg-connections-near-limit").len(), 0);
}
