//! Settings that are wrong, set right by the statements of their findings.

use std::fs;

use dbvitals_model::{Severity, Snapshot};
use dbvitals_testkit::{PgVersion, Postgres};

use super::{facts, harness::Trial};

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

/// Replaced is the minor version: the server is the last release of 14, which is what the finding asks for.
#[tokio::test]
async fn indexes_are_safe_again_from_14_4_on() {
    let server = Postgres::builder(PgVersion::V14).start().unwrap();
    let trial = Trial::of("pg-version-index-corruption", server).await;
    let found = trial.found_where(|snapshot| minor(snapshot, 3)).await;
    assert_eq!(found.severity, Severity::Critical);
    trial.gone_where(|snapshot| minor(snapshot, 4)).await;
    trial.gone().await;
    // The rest of the advice.
    trial
        .sql(
            "create extension amcheck; create table t as select generate_series(1, 1000) as n; \
             create index by_n on t (n); select bt_index_check('by_n', heapallindexed => true)",
        )
        .await;
}

/// Replaced is the minor version: the builds are the newest there were when they were chosen.
#[tokio::test]
async fn fixes_that_were_not_installed_are_told() {
    for version in PgVersion::ALL {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-version-minor-behind", server).await;
        let found = trial.found_where(|snapshot| minor(snapshot, 1)).await;
        let lacks = format!("PostgreSQL {0}.1 lacks the fixes of {0}.", version.major());
        assert!(found.message.starts_with(&lacks), "{}", found.message);
        trial.gone().await;
    }
}

fn minor(snapshot: &mut Snapshot, minor: u32) {
    facts::postgres(snapshot).server.version.minor = minor;
}

#[tokio::test]
async fn extensions_follow_their_libraries() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-extension-outdated", server).await;
        trial.sql("create extension citext; create schema parts").await;
        trial.gone().await;
        let old = [("hstore", "1.4"), ("amcheck", "1.0")];
        for (name, past) in old {
            trial.sql(&format!("create extension {name} schema parts version '{past}'")).await;
        }
        for (name, past) in old {
            let found = trial.found_about(&format!("extension {name} in app is {past}")).await;
            trial.apply(&found).await;
            trial.gone_about(name).await;
        }
        trial.gone().await;
    }
}
