//! Ending early: whatever runs is cancelled and no session stays, directly, over TLS and through a pooler.

use std::time::Duration;

use dbvitals_postgres::{Canceller, Query, Session};
use dbvitals_testkit::{PgBouncer, PgVersion, Postgres};
use tokio::runtime::Builder;

use crate::support::{session, until_no_session};

/// Longer than any test waits: only cancelling ends it.
fn endless() -> Query {
    let timeout = Duration::from_mins(50);
    Query { name: "endless", sql: "select pg_sleep(3000)".into(), timeout }
}

async fn until_it_sleeps(server: &Postgres) {
    let sleeps = "select count(*) = 1 from pg_stat_activity \
                  where query like 'select /* dbvitals */ pg_sleep%' and state = 'active'";
    server.wait_until("postgres", sleeps).await.unwrap();
}

/// Runs endless queries, cancels them once they run, and waits until nothing is left.
async fn cancelled_by_hand(server: &Postgres, mut session: Session) {
    let canceller: Canceller = session.canceller();
    let batch = tokio::spawn(async move { session.batch(&[endless(), endless()]).await });
    until_it_sleeps(server).await;
    canceller.abort().await;
    until_no_session(server).await;
    let answers = batch.await.unwrap();
    assert!(answers.iter().all(|answer| answer.result.is_err()));
    let last = answers[1].result.as_ref().unwrap_err();
    assert!(last.is_lost() || last.is_timeout(), "{last}");
}

async fn dropped_half_way(server: &Postgres, mut session: Session) {
    let batch = tokio::spawn(async move { session.batch(&[endless(), endless()]).await });
    until_it_sleeps(server).await;
    batch.abort();
    until_no_session(server).await;
}

#[tokio::test]
async fn a_cancelled_batch_leaves_no_session() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).tls().start().unwrap();
        let plain = format!("{}?sslmode=disable", server.monitor_url("postgres"));
        let encrypted = format!("{}?sslmode=require", server.monitor_url("postgres"));
        for url in [&plain, &encrypted] {
            cancelled_by_hand(&server, session(url).await).await;
            dropped_half_way(&server, session(url).await).await;
        }
    }
}

#[tokio::test]
async fn a_cancelled_batch_leaves_no_session_behind_a_pooler() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    let pooler = PgBouncer::transaction_mode(&server).unwrap();
    let url = pooler.monitor_url("postgres");
    let none_active = "select count(*) = 0 from pg_stat_activity \
                       where query like 'select /* dbvitals */ pg_sleep%' and state = 'active'";
    let mut first = session(&url).await;
    let canceller = first.canceller();
    let batch = tokio::spawn(async move { first.batch(&[endless()]).await });
    until_it_sleeps(&server).await;
    canceller.abort().await;
    assert!(batch.await.unwrap()[0].result.is_err());
    server.wait_until("postgres", none_active).await.unwrap();
}

/// No request to cancel is sent here: the server itself finds that nobody listens any more.
#[test]
fn a_process_that_dies_leaves_no_session() {
    let server = Postgres::builder(PgVersion::V14).start().unwrap();
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let doomed = runtime();
    doomed.block_on(async {
        let mut session = session(&server.monitor_url("postgres")).await;
        tokio::spawn(async move { session.batch(&[endless(), endless()]).await });
        until_it_sleeps(&server).await;
    });
    // As at the end of a process, nothing runs any more and the sockets close.
    drop(doomed);
    runtime().block_on(until_no_session(&server));
}

#[tokio::test]
async fn cancelling_what_has_ended_is_harmless() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    let first = session(&server.monitor_url("postgres")).await;
    let canceller = first.canceller();
    first.close().await;
    canceller.abort().await;
    let idle = session(&server.monitor_url("postgres")).await;
    idle.abort().await;
    until_no_session(&server).await;
}
