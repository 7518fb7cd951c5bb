//! What is left behind, switched on or never loaded, and nobody noticed.

use std::process::Command;

use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::{DATABASE, Trial};

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

#[tokio::test]
async fn a_temporary_table_that_outlived_its_session_is_dropped_on_every_version() {
    for version in PgVersion::ALL {
        let server = Postgres::builder(version).setting("autovacuum", "off").start().unwrap();
        let trial =
            Trial::of("pg-orphaned-temporary-table", server).await.limit("min_age_xids", 1.0);
        let lost = trial.server.client(DATABASE).await.unwrap();
        lost.batch_execute("create temporary table \"Scr atch\" (id int)").await.unwrap();
        // On disk before the server is killed.
        trial.sql("checkpoint").await;
        // A session that sees its server die tidies up: it must go first, unseen.
        let pid: i32 = lost.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        trial.server.freeze().unwrap();
        assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        trial.server.kill().unwrap();
        trial.server.start().unwrap();
        trial.sql("create table later (id int)").await;
        // Who is connected may have been given the number of the session that is gone.
        let nobody = "select not exists (select from pg_stat_activity where datname = 'app')";
        trial.server.wait_until("postgres", nobody).await.unwrap();
        let found = trial.found().await;
        assert!(found.message.contains("outlived its session"), "{version:?}: {}", found.message);
        trial.apply(&found).await;
        trial.server.wait_until("postgres", nobody).await.unwrap();
        trial.gone().await;
    }
}

#[tokio::test]
async fn the_table_of_a_session_that_lives_is_its_own() {
    let server = Postgres::builder(PgVersion::V16).setting("autovacuum", "off").start().unwrap();
    let trial = Trial::of("pg-orphaned-temporary-table", server).await.limit("min_age_xids", 1.0);
    let living = trial.server.client(DATABASE).await.unwrap();
    living.batch_execute("create temporary table scratch (id int)").await.unwrap();
    trial.sql("create table later (id int)").await;
    trial.gone().await;
}

#[tokio::test]
async fn a_hash_index_on_a_short_key_becomes_a_btree() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-unlogged-or-hash-legacy-index", server).await;
        trial
            .sql(
                "create table users (id int, \"Key\" bigint, url text); \
                 insert into users select n, n % 1000, repeat('long', 20) || n from generate_series(1, 50000) n; \
                 create index by_key on users using hash (\"Key\"); \
                 create index by_url on users using hash (url); analyze users",
            )
            .await;
        let trial = trial.by_superuser();
        let found = trial.found().await;
        assert!(found.message.starts_with("public.by_key is a hash index"), "{}", found.message);
        trial.apply(&found).await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_vacuum_that_runs_out_of_memory_is_given_more() {
    // Since 17 dead rows take so little room that the smallest setting holds those of any table a test can make.
    let server = Postgres::builder(PgVersion::V16).setting("autovacuum", "off").start().unwrap();
    let trial = Trial::of("pg-vacuum-index-passes", server).await;
    trial
        .sql(
            "create table big (id int); insert into big select generate_series(1, 600000); \
             create index on big (id); delete from big",
        )
        .await;
    trial.sql("alter system set maintenance_work_mem = '1MB'").await;
    trial.sql("select pg_reload_conf()").await;
    trial.until("current_setting('maintenance_work_mem') = '1MB'").await;
    trial.gone().await;
    let session = trial.server.client(DATABASE).await.unwrap();
    let slowly = "set vacuum_cost_delay = '50ms'; set vacuum_cost_limit = 200";
    session.batch_execute(slowly).await.unwrap();
    let vacuum = tokio::spawn(async move { session.batch_execute("vacuum big").await });
    trial.until("exists (select from pg_stat_progress_vacuum where index_vacuum_count > 0 and phase = 'scanning heap')").await;
    let found = trial.found().await;
    assert!(found.message.contains("has read all its indexes 1 time"), "{}", found.message);
    trial.sql("select pg_cancel_backend(pid) from pg_stat_progress_vacuum").await;
    assert!(vacuum.await.unwrap().is_err());
    trial.apply(&found).await;
    trial.until("current_setting('maintenance_work_mem') = '4MB'").await;
    trial.gone().await;
}

#[tokio::test]
async fn what_was_written_but_not_loaded_is_loaded() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-configuration-not-loaded", server).await;
        let trial = trial.by_superuser().limit("min_age_seconds", 0.0);
        trial.gone().await;
        // The file system tells whole seconds.
        trial.until("clock_timestamp() > pg_conf_load_time() + interval '1 s'").await;
        trial.sql("alter system set work_mem = '5MB'").await;
        let found = trial.found().await;
        assert!(found.message.starts_with("postgresql.auto.conf was changed"), "{}", found.message);
        trial.apply(&found).await;
        trial.until("current_setting('work_mem') = '5MB'").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn options_for_rescuers_are_switched_off() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-dangerous-option-on", server).await;
        trial.gone().await;
        trial.sql("alter system set ignore_checksum_failure = on").await;
        trial.sql("select pg_reload_conf()").await;
        trial.until("current_setting('ignore_checksum_failure') = 'on'").await;
        let found = trial.found().await;
        trial.apply(&found).await;
        trial.until("current_setting('ignore_checksum_failure') = 'off'").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_log_of_every_statement_keeps_the_slow_ones() {
    for version in BOTH_ENDS {
        let server =
            Postgres::builder(version).setting("log_min_duration_statement", "0").start().unwrap();
        let trial = Trial::of("pg-logging-excessive", server).await;
        let trial = trial.limit("min_transactions_per_second", 0.0);
        let found = trial.found().await;
        assert_eq!(found.subject.name, "log_min_duration_statement");
        trial.apply(&found).await;
        trial.until("current_setting('log_min_duration_statement') = '250ms'").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn checksums_are_on_or_told_to_be_off() {
    for (option, findings) in [("--data-checksums", 0), ("--no-data-checksums", 1)] {
        let server = Postgres::builder(PgVersion::V18).initdb(option).start().unwrap();
        let trial = Trial::of("pg-data-checksums-off", server).await;
        assert_eq!(trial.findings().await.len(), findings, "{option}");
    }
}

#[tokio::test]
async fn a_powerful_password_gets_an_end() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    let trial = Trial::of("pg-password-never-expiring", server).await.by_superuser();
    trial.sql("create role careful superuser login password 'x' valid until '2999-01-01'").await;
    trial.sql("create role plain login password 'x'").await;
    trial.sql("create role mighty createrole login password 'x'").await;
    let found = trial.found_about("mighty").await;
    assert!(!found.message.contains("careful") && !found.message.contains("plain"));
    trial.sql("alter role mighty valid until '2999-01-01'").await;
    trial.gone_about("mighty").await;
}
