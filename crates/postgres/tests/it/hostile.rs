//! Sockets that mean harm: silence, cuts and stalls at any byte, servers that die.

use std::time::Duration;

use dbvitals_postgres::{Query, Target, connect};
use dbvitals_testkit::{Hostile, PgVersion, Postgres, shared};

use crate::support::{query, session};

fn target(port: u16) -> Target {
    let url = format!("postgres://monitor:monitor@127.0.0.1:{port}/postgres");
    Target::parse(&url, &|_| None).unwrap()
}

#[tokio::test]
async fn silence_ends_with_the_limit() {
    let silent = Hostile::never_answers().unwrap();
    let limit = Duration::from_millis(1200);
    let error = connect(&target(silent.port()), limit).await.map(|_| ()).unwrap_err();
    assert!(error.is_timeout() && error.is_retryable(), "{error}");
    let per_host = format!("{}?connect_timeout=1", silent.postgres_url());
    let per_host = Target::parse(&per_host, &|_| None).unwrap();
    let error = connect(&per_host, Duration::from_mins(10)).await.map(|_| ()).unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn a_frozen_server_times_out() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    server.freeze().unwrap();
    let limit = Duration::from_millis(1800);
    let error = connect(&target(server.port()), limit).await.map(|_| ()).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    server.thaw().unwrap();
}

#[tokio::test]
async fn a_cut_at_any_byte_of_the_login_is_an_error() {
    let server = shared(PgVersion::NEWEST).unwrap();
    for bytes in (0..40).chain((40..400).step_by(23)) {
        let cut = Hostile::cuts_after(server.port(), bytes).unwrap();
        match connect(&target(cut.port()), Duration::from_secs(20)).await {
            Ok(session) => session.close().await,
            Err(error) => {
                let why = error.unavailable();
                assert!(why.remedy.is_some() && !error.is_timeout(), "{bytes}: {why:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_cut_within_a_batch_is_said_by_every_later_answer() {
    let server = shared(PgVersion::NEWEST).unwrap();
    for bytes in [600, 2_000, 60_000] {
        let cut = Hostile::cuts_after(server.port(), bytes).unwrap();
        let Ok(mut session) = connect(&target(cut.port()), Duration::from_secs(20)).await else {
            continue;
        };
        let wide = query("select repeat('x', 500) from generate_series(1, 1000)");
        let answers = session.batch(&[query("select 1"), wide.clone(), wide]).await;
        assert!(answers[2].result.as_ref().unwrap_err().is_lost());
        let again = session.batch(&[query("select 1")]).await;
        assert!(again[0].result.as_ref().unwrap_err().is_lost());
        session.close().await;
    }
}

#[tokio::test]
async fn a_half_open_socket_ends_the_wait() {
    let server = shared(PgVersion::NEWEST).unwrap();
    let stall = Hostile::stalls_after(server.port(), 60_000).unwrap();
    let mut session = connect(&target(stall.port()), Duration::from_secs(20)).await.unwrap();
    let timeout = Duration::from_millis(300);
    let wide = "select repeat('x', 500) from generate_series(1, 1000)";
    let wide = Query { name: "wide", sql: wide.into(), timeout };
    let answers = session.batch(&[wide.clone(), wide.clone(), wide]).await;
    assert!(answers[0].result.as_ref().unwrap_err().is_timeout());
    assert!(answers[1].result.as_ref().unwrap_err().is_lost());
    assert!(answers[2].result.as_ref().unwrap_err().is_lost());
    session.close().await;
}

#[tokio::test]
async fn a_server_that_dies_leaves_what_was_answered() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    let mut session = session(&server.monitor_url("postgres")).await;
    let endless = Query {
        name: "endless",
        sql: "select pg_sleep(3000)".into(),
        timeout: Duration::from_mins(50),
    };
    let asked = [query("select 1"), endless, query("select 2")];
    let batch = tokio::spawn(async move { session.batch(&asked).await });
    let sleeps = "select count(*) = 1 from pg_stat_activity \
                  where query like 'select /* dbvitals */ pg_sleep%' and state = 'active'";
    server.wait_until("postgres", sleeps).await.unwrap();
    server.kill().unwrap();
    let answers = batch.await.unwrap();
    assert!(answers[0].result.is_ok());
    assert!(answers[1].result.as_ref().unwrap_err().is_lost());
    assert!(answers[2].result.as_ref().unwrap_err().is_lost());
}

#[tokio::test]
async fn a_terminated_session_says_by_which_code() {
    let server = Postgres::builder(PgVersion::V13).start().unwrap();
    let mut session = session(&server.monitor_url("postgres")).await;
    let pid = session.announced_pid().unwrap();
    let asked = [query("select pg_sleep(3000)"), query("select 2")];
    let batch = tokio::spawn(async move { session.batch(&asked).await });
    let sleeps = "select count(*) = 1 from pg_stat_activity \
                  where query like 'select /* dbvitals */ pg_sleep%' and state = 'active'";
    server.wait_until("postgres", sleeps).await.unwrap();
    server.sql("postgres", &format!("select pg_terminate_backend({pid})")).await.unwrap();
    let answers = batch.await.unwrap();
    assert_eq!(answers[0].result.as_ref().unwrap_err().sqlstate(), Some("57P01"));
    assert!(answers[1].result.as_ref().unwrap_err().is_lost());
}
