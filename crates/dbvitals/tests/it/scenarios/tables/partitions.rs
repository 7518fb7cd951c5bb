//! Partitioned tables.

use dbvitals_model::Severity;

use super::{case::Case, server};

/// `e (id, at)` by months, with the partition of this one.
const MONTHLY: &str =
    "create table e (id bigint generated always as identity, at timestamptz not null,
         primary key (id, at)) partition by range (at);
     do $$ begin
         set local timezone = 'UTC';
         execute format('create table e_now partition of e for values from (%L) to (%L)',
             date_trunc('month', now()), date_trunc('month', now()) + interval '1 month');
     end $$;
     insert into e (at) values (now())";

#[tokio::test]
async fn the_next_partition_is_created_beside_and_attached() {
    let case = Case::fresh(server(), "pg-partition-headroom").await;
    case.sql(MONTHLY).await;
    case.until("select pg_stat_get_tuples_inserted('e_now'::regclass) = 1").await;
    case.found_and_mended(Severity::Warning).await;
    case.sql("insert into e (at) values (now() + interval '1 month')").await;
}

#[tokio::test]
async fn a_missing_current_partition_is_critical() {
    let case = Case::fresh(server(), "pg-partition-headroom").await;
    case.sql(
        "create table e (at date not null) partition by range (at);
         do $$ begin
             execute format('create table e1 partition of e for values from (%L) to (%L)',
                 current_date - 8, current_date - 1);
         end $$;
         insert into e values (current_date - 7)",
    )
    .await;
    case.until("select pg_stat_get_tuples_inserted('e1'::regclass) = 1").await;
    let found = case.only().await;
    assert_eq!(found.severity, Severity::Critical);
    case.mend(&found).await;
    case.sql("insert into e values (current_date)").await;
    assert_eq!(case.only().await.severity, Severity::Warning, "now the one after it is missing");
}

#[tokio::test]
async fn a_gap_is_told_until_it_is_filled() {
    let case = Case::fresh(server(), "pg-partition-gap").await;
    case.sql(
        "create table e (at timestamptz) partition by range (at);
         set timezone = 'UTC';
         create table e1 partition of e for values from ('2025-01-01') to ('2025-02-01');
         set timezone = 'America/New_York';
         create table e2 partition of e for values from ('2025-02-01') to ('2025-03-01')",
    )
    .await;
    let found = case.only().await;
    assert_eq!(found.severity, Severity::Warning);
    case.sql(
        "create table e3 partition of e
             for values from ('2025-02-01 00:00+00') to ('2025-02-01 00:00-05')",
    )
    .await;
    case.gone().await;
}

#[tokio::test]
async fn rows_in_the_default_are_told_until_they_are_moved() {
    let case = Case::fresh(server(), "pg-partition-default-not-empty").await;
    case.sql(
        "create table e (n int) partition by range (n);
         create table e_default partition of e default; insert into e values (1)",
    )
    .await;
    case.until("select pg_stat_get_live_tuples('e_default'::regclass) = 1").await;
    assert_eq!(case.only().await.severity, Severity::Warning);
    case.sql(
        "begin; alter table e detach partition e_default;
         create table e1 partition of e for values from (0) to (10);
         insert into e select * from e_default; truncate e_default;
         alter table e attach partition e_default default; commit",
    )
    .await;
    case.until("select pg_stat_get_live_tuples('e_default'::regclass) = 0").await;
    case.gone().await;
}

#[tokio::test]
async fn a_detach_left_open_is_finished() {
    let case = Case::fresh(server(), "pg-partition-detach-pending").await;
    case.sql(
        "create table e (n int) partition by range (n);
         create table e1 partition of e for values from (0) to (10)",
    )
    .await;
    let reader = case.pg.client(&case.database).await.unwrap();
    reader.batch_execute("begin; select from e").await.unwrap();
    let other = case.pg.client(&case.database).await.unwrap();
    other.batch_execute("set statement_timeout = '1s'").await.unwrap();
    let cut = other.batch_execute("alter table e detach partition e1 concurrently").await;
    assert!(cut.is_err(), "it waits for the reader");
    reader.batch_execute("commit").await.unwrap();
    case.found_and_mended(Severity::Warning).await;
}

#[tokio::test]
async fn many_partitions_are_counted_over_all_levels() {
    let case = Case::fresh(server(), "pg-too-many-partitions").await.with("max_partitions", 2.0);
    case.sql(
        "create table e (n int, m int) partition by list (n);
         create table e1 partition of e for values in (1);
         create table e2 partition of e for values in (2) partition by list (m);
         create table e21 partition of e2 for values in (1);
         create table e22 partition of e2 for values in (2)",
    )
    .await;
    assert!(case.only().await.message.contains("public.e has 3 partitions"));
    case.sql("drop table e21").await;
    case.gone().await;
}
