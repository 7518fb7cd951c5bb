//! Collecting from real servers.

mod faults;
mod follow;
mod locked;
mod measured;
mod nests_and_policies;
mod sampling;
mod sections;
mod setting_sources;
mod statements;
mod texts;
mod window;

use dbvitals_model::pg::{DatabaseSnapshot, PgSnapshot};
use dbvitals_postgres::{
    Target,
    collect::{Collected, Options, collect},
};
use dbvitals_testkit::{PgVersion, Postgres};

/// A database with something for every collector.
const FIXTURE: &str = include_str!("collect/fixture.sql");

/// A server with the fixture in its database `app`.
async fn furnished(version: PgVersion) -> Postgres {
    let server = Postgres::builder(version)
        .preload("pg_stat_statements")
        .setting("wal_level", "logical")
        .setting("max_prepared_transactions", "5")
        .setting("autovacuum", "off")
        .start()
        .unwrap();
    server.create_database("app").await.unwrap();
    server.sql("app", FIXTURE).await.unwrap();
    server
        .sql("app", "begin; create table undecided (); prepare transaction 'stu''ck'")
        .await
        .unwrap();
    server
}

/// Collects with no environment and nobody watching.
async fn collected(url: &str, options: &Options<'_>) -> Collected {
    let target = Target::parse(url, &|_| None).unwrap();
    collect(&target, options, &|_| {}).await.unwrap()
}

/// Collects everything.
async fn snapshot(url: &str) -> PgSnapshot {
    let collected = collected(url, &Options::default()).await;
    assert_eq!(collected.problems, Vec::<String>::new());
    collected.snapshot
}

/// The sections of one database.
fn database<'a>(snapshot: &'a PgSnapshot, name: &str) -> &'a DatabaseSnapshot {
    snapshot.by_database.iter().find(|database| database.name == name).unwrap()
}
