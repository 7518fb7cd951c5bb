//! Dead rows, vacuum and analyze.

use dbvitals_model::Severity;
use dbvitals_testkit::{PgVersion, shared};

use super::{case::Case, server};

/// `t (id, n)` with so many rows, left alone by autovacuum, analyzed and vacuumed.
async fn kept(case: &Case<'_>, rows: u32) {
    case.sql(&format!(
        "create table t (id int, n int) with (autovacuum_enabled = off);
         insert into t select g, 0 from generate_series(1, {rows}) as g"
    ))
    .await;
    case.vacuumed("t").await;
    case.until(&format!("select pg_stat_get_live_tuples('t'::regclass) = {rows}")).await;
}

async fn dead(case: &Case<'_>, rows: u32) {
    case.until(&format!("select pg_stat_get_dead_tuples('t'::regclass) = {rows}")).await;
}

#[tokio::test]
async fn dead_rows_are_vacuumed_away_on_the_oldest_and_the_newest() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let case = Case::fresh(shared(version).unwrap(), "pg-dead-tuples").await;
        kept(&case, 60_000).await;
        case.gone().await;
        case.sql("delete from t where id <= 20000").await;
        dead(&case, 20_000).await;
        let found = case.only().await;
        assert_eq!(found.severity, Severity::Critical);
        case.mend(&found).await;
        dead(&case, 0).await;
        case.gone().await;
    }
}

#[tokio::test]
async fn an_overdue_vacuum_is_made_up_for() {
    let case = Case::fresh(server(), "pg-vacuum-overdue").await.with("grace_seconds", 0.0);
    kept(&case, 10_000).await;
    case.sql("delete from t where id <= 5000").await;
    dead(&case, 5_000).await;
    let found = case.only().await;
    assert!(found.message.contains("5,000 dead rows, 2,050 start a vacuum"), "{}", found.message);
    case.mend(&found).await;
    dead(&case, 0).await;
    case.gone().await;
}

#[tokio::test]
async fn an_overdue_analyze_is_made_up_for() {
    let case = Case::fresh(server(), "pg-analyze-overdue").await.with("grace_seconds", 0.0);
    kept(&case, 20_000).await;
    case.sql("update t set n = 1").await;
    case.until("select pg_stat_get_mod_since_analyze('t'::regclass) = 20000").await;
    let found = case.only().await;
    case.mend(&found).await;
    case.until("select pg_stat_get_mod_since_analyze('t'::regclass) = 0").await;
    case.gone().await;
}

#[tokio::test]
async fn a_table_nobody_looked_after_is_vacuumed_and_analyzed() {
    let vacuum = Case::fresh(server(), "pg-never-vacuumed").await;
    vacuum
        .sql(
            "create table t (id int) with (autovacuum_enabled = off);
             insert into t select generate_series(1, 10001)",
        )
        .await;
    vacuum.until("select pg_stat_get_ins_since_vacuum('t'::regclass) = 10001").await;
    let analyze = Case::of(vacuum.pg, &vacuum.database, "pg-never-analyzed");
    let unanalyzed = analyze.only().await;
    let unvacuumed = vacuum.only().await;
    analyze.mend(&unanalyzed).await;
    analyze.until("select pg_stat_get_mod_since_analyze('t'::regclass) = 0").await;
    analyze.gone().await;
    vacuum.mend(&unvacuumed).await;
    vacuum.until("select pg_stat_get_vacuum_count('t'::regclass) = 1").await;
    vacuum.gone().await;
}

#[tokio::test]
async fn autovacuum_is_switched_on_again_for_a_table() {
    let case = Case::fresh(server(), "pg-autovacuum-disabled").await;
    case.sql("create table \"Odd name\" (id int) with (autovacuum_enabled = off)").await;
    case.found_and_mended(Severity::Warning).await;
}

#[tokio::test]
async fn a_trigger_too_high_is_lowered_and_can_be_put_back() {
    let case = Case::fresh(server(), "pg-autovacuum-threshold-too-high")
        .await
        .with("min_rows", 10_000.0)
        .with("min_dead_making_writes", 1.0);
    kept(&case, 10_001).await;
    case.gone().await;
    case.sql("delete from t where id = 1").await;
    dead(&case, 1).await;
    let found = case.only().await;
    case.mend(&found).await;
    case.gone().await;
    for statement in &found.fix.as_ref().unwrap().undo {
        case.sql(statement).await;
    }
    assert_eq!(case.only().await.key, found.key);
}

#[tokio::test]
async fn a_vacuum_in_vain_names_who_holds_the_rows() {
    let case = Case::fresh(server(), "pg-autovacuum-ineffective").await;
    kept(&case, 40_000).await;
    let reader = case.pg.client(&case.database).await.unwrap();
    reader
        .batch_execute("begin isolation level repeatable read; select from t limit 1")
        .await
        .unwrap();
    case.sql("delete from t where id <= 20000").await;
    case.counted("t").await;
    case.sql("vacuum t").await;
    dead(&case, 20_000).await;
    let found = case.only().await;
    assert!(found.message.contains("idle in transaction"), "{}", found.message);
    reader.batch_execute("commit").await.unwrap();
    case.sql("vacuum t").await;
    dead(&case, 0).await;
    case.gone().await;
}

#[tokio::test]
async fn a_stale_row_estimate_is_refreshed() {
    let case = Case::fresh(server(), "pg-stale-reltuples").await;
    kept(&case, 1_000).await;
    case.sql("insert into t select g, 0 from generate_series(1, 29000) as g").await;
    case.until("select pg_stat_get_live_tuples('t'::regclass) = 30000").await;
    let found = case.only().await;
    assert_eq!(found.severity, Severity::Warning);
    case.mend(&found).await;
    case.until("select pg_stat_get_mod_since_analyze('t'::regclass) = 0").await;
    case.gone().await;
}

#[tokio::test]
async fn a_partitioned_parent_gets_its_statistics() {
    let case = Case::fresh(server(), "pg-no-statistics").await;
    case.sql(
        "create table p (id int) partition by range (id);
         create table p1 partition of p for values from (0) to (1000000);
         insert into p select generate_series(1, 10000); analyze p1",
    )
    .await;
    case.until("select pg_stat_get_live_tuples('p1'::regclass) = 10000").await;
    case.found_and_mended(Severity::Warning).await;
}

#[tokio::test]
async fn pages_become_all_visible() {
    let case = Case::fresh(server(), "pg-low-all-visible")
        .await
        .with("min_size_bytes", 0.0)
        .with("min_scans", 5.0);
    case.sql(
        "create table t (id int, n int) with (autovacuum_enabled = off);
         insert into t select g, g from generate_series(1, 20000) as g;
         create index on t (id) include (n); analyze t",
    )
    .await;
    let scan =
        "set enable_seqscan = off; set enable_bitmapscan = off; select n from t where id < 9";
    for _ in 0..5 {
        case.sql(scan).await;
    }
    case.until("select pg_stat_get_numscans('t_id_n_idx'::regclass) >= 5").await;
    case.found_and_mended(Severity::Info).await;
}

#[tokio::test]
async fn updates_stay_on_their_page_once_there_is_room() {
    let case = Case::fresh(server(), "pg-low-hot-update-ratio").await;
    case.sql(
        "create table t (id int primary key, n int) with (autovacuum_enabled = off);
         insert into t select g, 0 from generate_series(1, 10001) as g",
    )
    .await;
    case.sql("update t set n = 1").await;
    case.until("select pg_stat_get_tuples_updated('t'::regclass) = 10001").await;
    let found = case.only().await;
    case.mend(&found).await;
    // Room comes with new pages, and the counters must forget the past.
    case.sql("vacuum full t").await;
    case.sql("select pg_stat_reset_single_table_counters('t'::regclass)").await;
    for n in 2..102 {
        case.sql(&format!("update t set n = {n} where id <= 101")).await;
    }
    case.until("select pg_stat_get_tuples_updated('t'::regclass) = 10100").await;
    case.gone().await;
}
