//! Keys, sequences, and what a table is.

use dbvitals_model::Severity;

use super::{case::Case, server};

#[tokio::test]
async fn a_serial_close_to_its_end_is_widened() {
    let case = Case::fresh(server(), "pg-sequence-exhaustion").await;
    case.sql("create table t (id serial primary key); select setval('t_id_seq', 2000000000)").await;
    case.found_and_mended(Severity::Critical).await;
    case.sql("select setval('t_id_seq', 3000000000); insert into t default values").await;
}

#[tokio::test]
async fn an_identity_close_to_its_end_is_widened() {
    let case = Case::fresh(server(), "pg-sequence-exhaustion").await;
    case.sql(
        "create table t (id smallint generated always as identity primary key);
         select setval('t_id_seq', 25000)",
    )
    .await;
    case.found_and_mended(Severity::Warning).await;
    case.sql("select setval('t_id_seq', 3000000000); insert into t default values").await;
}

#[tokio::test]
async fn a_narrow_sequence_of_a_wide_column_is_widened_and_put_back() {
    let case = Case::fresh(server(), "pg-sequence-exhaustion").await;
    case.sql("create sequence s as smallint; select setval('s', 32767)").await;
    let found = case.only().await;
    case.mend(&found).await;
    case.gone().await;
    for statement in &found.fix.as_ref().unwrap().undo {
        case.sql(statement).await;
    }
    assert_eq!(case.only().await.key, found.key);
}

#[tokio::test]
async fn an_integer_key_close_to_its_end_is_widened() {
    let case = Case::fresh(server(), "pg-integer-key-overflow").await;
    case.sql(
        "create table t (id int primary key, n int);
         insert into t select 2000000000 + g, g from generate_series(1, 1000) as g; analyze t",
    )
    .await;
    case.found_and_mended(Severity::Critical).await;
}

#[tokio::test]
async fn a_table_without_a_key_gets_one() {
    let case = Case::fresh(server(), "pg-table-without-primary-key").await;
    case.sql("create table t (n int); insert into t select generate_series(1, 10000); analyze t")
        .await;
    case.until("select pg_stat_get_live_tuples('t'::regclass) = 10000").await;
    case.found_and_mended(Severity::Warning).await;
}

#[tokio::test]
async fn a_unique_index_becomes_the_key_of_a_published_table() {
    let case = Case::fresh(server(), "pg-table-without-primary-key").await;
    case.sql(
        "create table t (n int not null); create unique index t_n on t (n);
         create publication p for table t",
    )
    .await;
    let found = case.only().await;
    let fix = found.fix.as_ref().unwrap();
    assert_eq!(fix.statements, ["ALTER TABLE public.t ADD PRIMARY KEY USING INDEX t_n;"]);
    case.mend(&found).await;
    case.gone().await;
}

#[tokio::test]
async fn an_unlogged_table_becomes_logged() {
    let case = Case::fresh(server(), "pg-unlogged-table").await;
    case.sql("create unlogged table t (n int); insert into t values (1); analyze t").await;
    case.until("select pg_stat_get_live_tuples('t'::regclass) = 1").await;
    case.found_and_mended(Severity::Info).await;
}

#[tokio::test]
async fn an_empty_table_is_told_until_it_is_used() {
    let case = Case::fresh(server(), "pg-empty-table").await.with("min_age_days", 0.0);
    case.sql("create table t (n int)").await;
    assert_eq!(case.only().await.severity, Severity::Info);
    case.sql("insert into t values (1)").await;
    case.gone().await;
}

#[tokio::test]
async fn large_objects_nobody_can_name_are_told() {
    let case = Case::fresh(server(), "pg-orphaned-large-objects").await;
    case.sql("select lo_create(g) from generate_series(50001, 50100) as g").await;
    assert_eq!(case.only().await.severity, Severity::Info);
    case.sql("select lo_unlink(oid) from pg_largeobject_metadata").await;
    case.gone().await;
}
