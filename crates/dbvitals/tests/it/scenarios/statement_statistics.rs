//! Statements that are not counted, not all of them, or not in full.

use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::{DATABASE, Trial, each};

fn counting() -> dbvitals_testkit::PostgresBuilder {
    Postgres::builder(PgVersion::NEWEST).preload("pg_stat_statements")
}

#[tokio::test]
async fn a_missing_library_is_loaded_and_installed() {
    let server = Postgres::builder(PgVersion::NEWEST).start().unwrap();
    let trial = Trial::of("pg-statements-not-collected", server).await;
    let found = trial.found().await;
    assert!(found.message.contains("not preloaded"));
    trial.apply(&found).await;
    trial.server.restart().unwrap();
    trial.gone().await;
}

#[tokio::test]
async fn a_loaded_library_is_installed_and_switched_on() {
    let trial = Trial::of("pg-statements-not-collected", counting().start().unwrap()).await;
    let found = trial.found().await;
    assert!(found.message.contains("not installed"));
    trial.apply(&found).await;
    trial.gone().await;

    trial.sql("alter system set pg_stat_statements.track = 'none'").await;
    trial.sql("select pg_reload_conf()").await;
    trial.until("current_setting('pg_stat_statements.track') = 'none'").await;
    let found = trial.found().await;
    assert!(found.message.contains("track is none"));
    trial.apply(&found).await;
    trial.until("current_setting('pg_stat_statements.track') = 'top'").await;
    trial.gone().await;

    trial.sql("alter system set compute_query_id = 'off'").await;
    trial.sql("select pg_reload_conf()").await;
    trial.until("current_setting('compute_query_id') = 'off'").await;
    let found = trial.found().await;
    trial.apply(&found).await;
    trial.until("current_setting('compute_query_id') = 'auto'").await;
    trial.gone().await;
}

#[tokio::test]
async fn evictions_end_when_there_is_room() {
    let server = counting().setting("pg_stat_statements.max", "1000").start().unwrap();
    let trial = Trial::of("pg-statements-evicting", server).await.with_statements().await;
    trial.gone().await;
    let many = each(1100, |n| format!("listen channel_{n};"));
    trial.sql(&many).await;
    let found = trial.found().await;
    assert!(found.message.contains("threw out"), "{}", found.message);
    trial.apply(&found).await;
    trial.server.restart().unwrap();
    trial.gone().await;
}

#[tokio::test]
async fn large_texts_go_with_a_reset() {
    let trial = Trial::of("pg-statements-text-file-large", counting().start().unwrap()).await;
    let trial = trial.with_statements().await.by_superuser().limit("max_size_bytes", 2e6);
    trial.gone().await;
    trial.sql(&format!("select 1, 2 /* {} */", "long".repeat(500_000))).await;
    let found = trial.found().await;
    trial.apply(&found).await;
    trial.gone().await;
}

#[tokio::test]
async fn an_old_extension_is_updated() {
    let trial = Trial::of("pg-statements-version-behind", counting().start().unwrap()).await;
    trial.sql("create extension pg_stat_statements version '1.8'").await;
    let found = trial.found().await;
    assert!(found.message.contains("is version 1.8"));
    trial.apply(&found).await;
    trial.gone().await;
}

#[tokio::test]
async fn io_times_are_taken_from_then_on() {
    // Less than the data take, so that there is something to wait for.
    let small = Postgres::builder(PgVersion::NEWEST).setting("shared_buffers", "1MB");
    let trial = Trial::of("pg-io-timing-off", small.start().unwrap()).await;
    let found = trial.found().await;
    trial.apply(&found).await;
    trial.until("current_setting('track_io_timing') = 'on'").await;
    trial.gone().await;
    let undo = found.fix.unwrap().undo;
    for statement in undo {
        trial.server.sql(DATABASE, &statement).await.unwrap();
    }
    trial.until("current_setting('track_io_timing') = 'off'").await;
    trial.found().await;
}
