//! Room for WAL, and its compression.

use dbvitals_testkit::{PgVersion, Postgres};

use super::{cluster, harness::Trial};

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::V14, PgVersion::NEWEST];

/// Counts WAL from now on: the cluster is a copy of an older one.
const FROM_NOW: &str = "select pg_stat_reset_shared('wal')";

#[tokio::test]
async fn a_busy_server_gets_room_between_checkpoints() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).setting("max_wal_size", "32MB").start().unwrap();
        let trial = Trial::of("pg-max-wal-size", server).await;
        trial.sql(FROM_NOW).await;
        cluster::write_wal(&trial.server, 64).await;
        trial.until("wal_bytes > 60000000 from pg_stat_wal").await;
        // A minute of WAL says nothing by default.
        trial.gone().await;
        let trial = trial.limit("min_age_seconds", 0.0);
        let found = trial.found().await;
        trial.mend(&found).await;
        trial.gone().await;
        cluster::undo(&trial.server, "postgres", &found).await;
        trial.found().await;
    }
}

#[tokio::test]
async fn full_pages_are_compressed() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-wal-compression", server).await;
        trial
            .sql(
                "create table t (c text); alter table t alter c set storage plain; \
                 insert into t select repeat('x', 7000) from generate_series(1, 2000)",
            )
            .await;
        trial.sql(FROM_NOW).await;
        let before = touched(&trial).await;
        trial.until("wal_fpi >= 2000 from pg_stat_wal").await;
        // Machines differ in speed: a hundred kilobytes a second are not for all.
        let trial = trial.limit("min_bytes_per_second", 1000.0);
        let found = trial.found().await;
        trial.mend(&found).await;
        trial.gone().await;
        let after = touched(&trial).await;
        assert!(after < before / 3.0, "{version}: {before} bytes of WAL became {after}");
    }
}

/// Writes to every page after a checkpoint; how many bytes of WAL that takes.
async fn touched(trial: &Trial) -> f64 {
    trial.sql("checkpoint").await;
    let place = "select pg_current_wal_insert_lsn()";
    let from = trial.server.scalar("app", place).await.unwrap();
    trial.sql("begin; delete from t; rollback").await;
    let written = format!("select pg_current_wal_insert_lsn() - '{from}'");
    trial.server.scalar("app", &written).await.unwrap().parse().unwrap()
}
