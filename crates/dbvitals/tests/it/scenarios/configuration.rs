//! Settings that are wrong, set right by the statements of their findings.

use std::fs;

use dbvitals_model::Severity;
use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::Trial;

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

/// Check, setting, and the value that is wrong. The server reads it again without a restart.
const WRONG: [(&str, &str, &str); 8] = [
    ("pg-durability-off", "full_page_writes", "off"),
    ("pg-synchronous-commit-off", "synchronous_commit", "off"),
    ("pg-planner-method-disabled", "enable_mergejoin", "off"),
    ("pg-track-counts-off", "track_counts", "off"),
    ("pg-track-activities-off", "track_activities", "off"),
    ("pg-checkpoint-completion-target", "checkpoint_completion_target", "0.2"),
    ("pg-default-statistics-target", "default_statistics_target", "7"),
    ("pg-audit-logging-off", "log_statement", "none"),
];

#[tokio::test]
async fn settings_are_set_right_and_back() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).setting("fsync", "on").start().unwrap();
        let mut trial = Trial::of("pg-durability-off", server).await;
        trial.sql("create role somebody login").await;
        for (check, setting, wrong) in WRONG {
            trial = trial.then(check);
            trial.sql(&format!("alter system set {setting} = {wrong}")).await;
            trial.sql("select pg_reload_conf()").await;
            let is_wrong = format!("current_setting('{setting}') = '{wrong}'");
            trial.until(&is_wrong).await;
            let found = trial.found().await;
            assert_eq!(found.subject.name, setting, "{version} {check}");
            trial.apply(&found).await;
            trial.until(&format!("not {is_wrong}")).await;
            trial.gone().await;
            for statement in &found.fix.as_ref().unwrap().undo {
                trial.sql(statement).await;
            }
            trial.until(&is_wrong).await;
            trial.found().await;
        }
    }
}

#[tokio::test]
async fn a_log_without_traces_learns_to_speak() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-logging-blind", server).await;
        trial.apply(&trial.found().await).await;
        trial.until("current_setting('log_lock_waits') = 'on'").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn what_needs_a_restart_is_pending_until_then() {
    let server =
        Postgres::builder(PgVersion::V17).setting("superuser_reserved_connections", "0").start();
    let mut trial = Trial::of("pg-superuser-reserved", server.unwrap()).await;
    let found = trial.found().await;
    assert_eq!(found.severity, Severity::Warning);
    trial.apply(&found).await;
    trial.sql("select pg_reload_conf()").await;
    trial
        .until("pending_restart from pg_settings where name = 'superuser_reserved_connections'")
        .await;
    trial = trial.then("pg-pending-restart");
    assert!(trial.found().await.message.contains("superuser_reserved_connections"));
    trial = trial.by_superuser().then("pg-configuration-file-error");
    trial.gone().await;
    trial.server.restart().unwrap();
    trial.gone().await;
    trial = trial.then("pg-pending-restart");
    trial.gone().await;
    trial.then("pg-superuser-reserved").gone().await;
}

#[tokio::test]
async fn a_line_the_server_would_not_start_with_is_critical() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-configuration-file-error", server).await.by_superuser();
        trial.gone().await;
        let file = trial.server.data_dir().join("postgresql.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{before}\nno_such_setting = 1\n")).unwrap();
        let found = trial.found().await;
        assert_eq!(found.severity, Severity::Critical);
        assert!(found.message.contains("no_such_setting"), "{}", found.message);
        fs::write(&file, before).unwrap();
        trial.gone().await;
    }
}

#[tokio::test]
async fn versions_are_held_against_the_table_of_releases() {
    let server = Postgres::builder(PgVersion::OLDEST).start().unwrap();
    let trial = Trial::of("pg-version-end-of-life", server).await;
    let found = trial.found().await;
    assert!(found.message.starts_with("PostgreSQL 13 has had no fixes since 2025-11-13"));
    let server = Postgres::builder(PgVersion::NEWEST).start().unwrap();
    let trial = Trial::of("pg-version-end-of-life", server).await;
    assert!(trial.findings().await.iter().all(|found| found.severity < Severity::Critical));
}
