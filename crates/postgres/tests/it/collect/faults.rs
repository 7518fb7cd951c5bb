//! Servers that go away, time that runs out.

use std::time::Duration;

use dbvitals_model::Reason;
use dbvitals_postgres::{
    Target,
    collect::{Options, Progress, collect},
};
use dbvitals_testkit::{PgVersion, Postgres};

use super::{collected, database};

/// The server dies while the window is open: what was read stays, the rest says why it is missing.
#[tokio::test]
async fn a_server_killed_half_way_leaves_what_was_read() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    server.create_database("app").await.unwrap();
    let target = Target::parse(&server.monitor_url("postgres"), &|_| None).unwrap();
    let options = Options { window: Some(Duration::from_secs(1)), ..Options::default() };
    let kill = |step: Progress<'_>| {
        if matches!(step, Progress::Instance) {
            server.kill().unwrap();
        }
    };
    let seen = collect(&target, &options, &kill).await.unwrap();
    assert!(seen.snapshot.server.version.major == 16);
    assert_eq!(seen.snapshot.settings.get().unwrap_err().reason, Reason::Failed);
    let app = database(&seen.snapshot, "app");
    assert_eq!(app.relations.get().unwrap_err().reason, Reason::Failed);
    assert!(seen.problems.iter().any(|line| line.contains("lost")), "{:?}", seen.problems);
    assert!(seen.problems.iter().any(|line| line.contains("database app")), "{:?}", seen.problems);
    assert!(!seen.cost.is_empty());
}

#[tokio::test]
async fn time_that_is_over_is_told() {
    let server = Postgres::builder(PgVersion::V13).start().unwrap();
    let options = Options { budget: Duration::ZERO, ..Options::default() };
    let seen = collected(&server.monitor_url("postgres"), &options).await;
    assert_eq!(seen.snapshot.settings.get().unwrap_err().reason, Reason::Timeout);
    let only = database(&seen.snapshot, "postgres");
    assert_eq!(only.indexes.get().unwrap_err().reason, Reason::Timeout);
}

#[tokio::test]
async fn a_database_that_goes_away_harms_only_itself() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    for name in ["aa", "bb"] {
        server.create_database(name).await.unwrap();
    }
    let limit = "alter database aa connection limit 0; alter role monitor connection limit 5";
    server.sql("postgres", limit).await.unwrap();
    let seen = collected(&server.monitor_url("postgres"), &Options::default()).await;
    let gone = database(&seen.snapshot, "aa").relations.get().unwrap_err().clone();
    assert_eq!(gone.reason, Reason::Failed);
    assert!(database(&seen.snapshot, "bb").relations.value().is_some());
    assert_eq!(seen.problems.len(), 1, "{:?}", seen.problems);
    assert!(seen.problems[0].contains("database aa"), "{:?}", seen.problems);
}

/// The work may be moved between threads.
#[tokio::test]
async fn collecting_can_be_spawned() {
    let server = Postgres::builder(PgVersion::V18).start().unwrap();
    let target = Target::parse(&server.monitor_url("postgres"), &|_| None).unwrap();
    let work = async move { collect(&target, &Options::default(), &|_| {}).await.unwrap() };
    assert!(tokio::spawn(work).await.unwrap().problems.is_empty());
}

/// Not even the whole of it, window and all, assigns a transaction id or writes WAL.
#[tokio::test]
async fn collecting_writes_nothing() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version)
            .preload("pg_stat_statements")
            .setting("autovacuum", "off")
            .setting("checkpoint_timeout", "1d")
            .setting("wal_level", "minimal")
            .setting("max_wal_senders", "0")
            .start()
            .unwrap();
        let fill = "create extension pg_stat_statements; create table t (id int primary key); \
                    create index on t (abs(id)); insert into t select generate_series(1, 1000)";
        server.sql("postgres", fill).await.unwrap();
        server.sql("postgres", "vacuum analyze").await.unwrap();
        server.sql("postgres", "checkpoint").await.unwrap();
        let state = "select pg_current_wal_insert_lsn() || ' ' || \
                     pg_snapshot_xmax(pg_current_snapshot())";
        let options = Options { window: Some(Duration::from_secs(1)), ..Options::default() };
        // The first reader of a page after its writer may leave hints on it; the second finds it as it is.
        collected(&server.monitor_url("postgres"), &options).await;
        let before = server.scalar("postgres", state).await.unwrap();
        for url in [server.monitor_url("postgres"), server.superuser_url("postgres")] {
            let seen = collected(&url, &options).await;
            assert_eq!(seen.problems, Vec::<String>::new());
        }
        assert_eq!(server.scalar("postgres", state).await.unwrap(), before, "{version}");
    }
}
