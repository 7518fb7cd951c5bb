//! Limits of a server that its tables and statements outgrew.

use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::{Trial, each};

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

#[tokio::test]
async fn autovacuum_gets_its_pace_and_its_workers() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version)
            .setting("autovacuum_vacuum_cost_delay", "20ms")
            .setting("autovacuum_max_workers", "1");
        let trial = Trial::of("pg-autovacuum-cost-limit", server.start().unwrap()).await;
        // Little data is vacuumed soon at any pace.
        trial.gone().await;
        let trial = trial.limit("min_data_bytes", 0.0);
        trial.mend(&trial.found().await).await;
        trial.gone().await;
        let trial = trial.then("pg-autovacuum-workers");
        trial.mend(&trial.found().await).await;
        if version < PgVersion::V18 {
            trial.found().await;
            trial.server.restart().unwrap();
        }
        trial.gone().await;
    }
}

#[tokio::test]
async fn partitions_get_places_in_the_lock_table() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version)
            .setting("max_locks_per_transaction", "10")
            .setting("max_connections", "20");
        let trial = Trial::of("pg-max-locks", server.start().unwrap()).await;
        let partition = |n| format!("create table p{n} partition of p for values in ({n});");
        trial.sql("create table p (id int) partition by list (id); create index on p (id)").await;
        trial.sql(&each(25, partition)).await;
        // 25 partitions with an index each: exactly a quarter of 200 places.
        trial.gone().await;
        trial.sql(&partition(25)).await;
        let found = trial.found().await;
        assert!(found.message.contains("needs 52 locks of 200"), "{}", found.message);
        trial.mend(&found).await;
        trial.server.restart().unwrap();
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_server_of_short_statements_compiles_no_more() {
    let server = Postgres::builder(PgVersion::Debian15).preload("pg_stat_statements").start();
    let trial = Trial::of("pg-jit-oltp", server.unwrap()).await.with_statements().await;
    trial.until("pg_jit_available()").await;
    trial.sql("create table t as select n from generate_series(1, 1000) n; analyze t").await;
    trial.sql(&"select 1;".repeat(10_000)).await;
    trial.gone().await;
    trial.sql("alter database app set jit_above_cost = 0").await;
    trial.sql(&"select sum(n * 2) from t where n % 3 = 1;".repeat(10)).await;
    let found = trial.found().await;
    trial.mend(&found).await;
    trial.gone().await;
}
