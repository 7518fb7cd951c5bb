//! Conditions of a whole server, each on a server of its own.

use std::{fs::OpenOptions, os::unix::fs::FileExt as _};

use dbvitals_model::Severity;
use dbvitals_testkit::{PgVersion, Postgres};

use super::case::Case;

/// Spends so many transaction ids: a block with a handler is a transaction of its own.
fn spend(ids: u32) -> String {
    format!(
        "create table if not exists spent (n int);
         do $$ begin
             for n in 1..{ids} loop
                 begin insert into spent values (n); exception when others then null; end;
             end loop;
         end $$;
         drop table spent"
    )
}

#[tokio::test]
async fn autovacuum_is_switched_on_again_for_the_server() {
    let pg = Postgres::builder(PgVersion::V16).start().unwrap();
    let case = Case::of(&pg, "postgres", "pg-autovacuum-disabled");
    case.gone().await;
    case.sql("alter system set autovacuum = off").await;
    case.sql("select pg_reload_conf()").await;
    case.until("select current_setting('autovacuum') = 'off'").await;
    let found = case.only().await;
    assert_eq!(found.severity, Severity::Critical);
    case.mend(&found).await;
    case.until("select current_setting('autovacuum') = 'on'").await;
    case.gone().await;
}

#[tokio::test]
async fn a_queue_longer_than_its_workers_is_told() {
    let pg = Postgres::builder(PgVersion::V17)
        .setting("autovacuum_max_workers", "1")
        .setting("autovacuum_naptime", "1d")
        .start()
        .unwrap();
    let case = Case::fresh(&pg, "pg-autovacuum-saturated").await.with("queued_seconds", 0.0);
    for table in ["a", "b"] {
        case.sql(&format!(
            "create table {table} (n int); insert into {table} select generate_series(1, 1000)"
        ))
        .await;
        case.sql(&format!("vacuum (analyze) {table}")).await;
        case.sql(&format!("delete from {table}")).await;
        case.until(&format!("select pg_stat_get_dead_tuples('{table}'::regclass) = 1000")).await;
    }
    let found = case.only().await;
    assert!(found.message.contains("0 of 1 autovacuum workers are busy and 2 tables wait"));
    case.mend(&found).await;
    case.until("select current_setting('autovacuum_vacuum_cost_limit') = '1000'").await;
    case.sql("vacuum a").await;
    case.gone().await;
}

#[tokio::test]
async fn every_holder_of_the_horizon_is_named_and_let_go() {
    let pg = Postgres::builder(PgVersion::V16)
        .setting("max_prepared_transactions", "5")
        .setting("wal_level", "logical")
        .start()
        .unwrap();
    let case = Case::fresh(&pg, "pg-xmin-horizon-held")
        .await
        .with("warning_seconds", 0.0)
        .with("warning_xids", 100.0)
        .with("min_xids", 100.0);
    let reader = pg.client(&case.database).await.unwrap();
    reader.batch_execute("begin isolation level repeatable read; select 1").await.unwrap();
    case.sql("begin; create table kept (n int); prepare transaction 'left behind'").await;
    case.gone().await;
    case.sql(&spend(200)).await;
    let found = case.findings().await;
    let kinds: Vec<_> = found.iter().map(|found| found.subject.kind.as_str()).collect();
    assert_eq!(kinds, ["prepared transaction", "session"]);
    for finding in &found {
        case.mend(finding).await;
    }
    case.until("select count(*) = 0 from pg_prepared_xacts").await;
    case.until("select count(*) = 0 from pg_stat_activity where state = 'idle in transaction'")
        .await;
    case.gone().await;

    case.sql("select pg_create_logical_replication_slot('left', 'pgoutput')").await;
    case.sql(&spend(200)).await;
    let found = case.only().await;
    assert!(
        found.message.starts_with("inactive logical replication slot left keeps dead catalogue")
    );
    case.mend(&found).await;
    case.gone().await;
}

#[tokio::test]
async fn old_ids_are_frozen() {
    let pg = Postgres::builder(PgVersion::V14).start().unwrap();
    let case = Case::fresh(&pg, "pg-transaction-id-age").await.with("warning_ratio", 1e-7);
    case.sql(&spend(300)).await;
    case.found_and_mended(Severity::Warning).await;

    let case = Case::fresh(&pg, "pg-multixact-age").await.with("warning_ratio", 1e-10);
    case.sql("create table parent (id int primary key); insert into parent values (1)").await;
    let lock = "begin; select from parent for key share";
    let (one, two) =
        (pg.client(&case.database).await.unwrap(), pg.client(&case.database).await.unwrap());
    one.batch_execute(lock).await.unwrap();
    two.batch_execute(lock).await.unwrap();
    one.batch_execute("commit").await.unwrap();
    two.batch_execute("commit").await.unwrap();
    // First the table is as old as the catalogues, then only the catalogues are left.
    let found = case.only().await;
    assert_eq!(found.fix.as_ref().unwrap().statements, ["VACUUM (FREEZE, VERBOSE) public.parent;"]);
    case.mend(&found).await;
    case.found_and_mended(Severity::Warning).await;
}

#[tokio::test]
async fn a_vacuum_against_wraparound_is_told_while_it_runs() {
    let pg = Postgres::builder(PgVersion::V16)
        .setting("autovacuum_freeze_max_age", "100000")
        .setting("autovacuum_naptime", "1")
        .start()
        .unwrap();
    let case = Case::fresh(&pg, "pg-anti-wraparound-vacuum-running").await;
    case.gone().await;
    case.sql(
        "create table t (n int, filler text)
             with (autovacuum_enabled = off, autovacuum_vacuum_cost_delay = 100,
                 autovacuum_vacuum_cost_limit = 1);
         insert into t select g, repeat('x', 1000) from generate_series(1, 20000) as g",
    )
    .await;
    case.sql(&spend(100_001)).await;
    case.until(
        "select count(*) > 0 from pg_stat_progress_vacuum as p join pg_stat_activity as a using (pid)
         where p.relid = 't'::regclass and a.query like '%to prevent wraparound%'",
    )
    .await;
    let found = case.findings().await;
    let of_table = found.iter().find(|found| found.subject.name == "public.t").unwrap();
    assert_eq!(of_table.severity, Severity::Warning);
    // It does not give way by itself: whoever wants the table queues behind it.
    let dropping = case.sql("drop table t");
    let cancelling = async {
        case.until(
            "select count(*) > 0 from pg_locks where relation = 't'::regclass and not granted",
        )
        .await;
        case.sql(
            "select pg_cancel_backend(pid) from pg_stat_progress_vacuum where relid = 't'::regclass",
        )
        .await;
    };
    tokio::join!(dropping, cancelling);
    let found = case.findings().await;
    assert!(found.iter().all(|found| found.subject.name != "public.t"), "{found:?}");
}

#[tokio::test]
async fn a_damaged_page_is_told_until_the_counter_is_reset() {
    let pg = Postgres::builder(PgVersion::V15).initdb("--data-checksums").start().unwrap();
    let case = Case::fresh(&pg, "pg-checksum-failure").await;
    case.sql("create table t (n int); insert into t select generate_series(1, 1000)").await;
    case.sql("checkpoint").await;
    case.gone().await;
    let path = pg.scalar(&case.database, "select pg_relation_filepath('t')").await.unwrap();
    pg.stop().unwrap();
    let file = OpenOptions::new().write(true).open(pg.data_dir().join(path)).unwrap();
    file.write_all_at(b"damaged", 8000).unwrap();
    pg.start().unwrap();
    assert!(pg.sql(&case.database, "select count(n) from t").await.is_err());
    let counted =
        "select checksum_failures > 0 from pg_stat_database where datname = current_database()";
    case.until(counted).await;
    assert_eq!(case.only().await.severity, Severity::Critical);
    case.sql("select pg_stat_reset()").await;
    case.gone().await;
}

#[tokio::test]
async fn a_large_table_asked_for_ranges_is_told() {
    let pg = Postgres::builder(PgVersion::V18).preload("pg_stat_statements").start().unwrap();
    let case = Case::fresh(&pg, "pg-large-table-not-partitioned").await.with("min_rows", 1000.0);
    case.sql(
        "create extension pg_stat_statements;
         create table big (at timestamptz);
         insert into big select now() + g * interval '1 s' from generate_series(1, 2000) as g;
         analyze big",
    )
    .await;
    case.gone().await;
    case.sql("select count(*) from big where at > now() - interval '1 day'").await;
    assert_eq!(case.only().await.severity, Severity::Info);
    case.sql("drop table big").await;
    case.gone().await;
}
