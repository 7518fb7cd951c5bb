//! Indexes whose rules changed below them, that do not fit the cache, or that hardly anybody reads.

use dbvitals_model::{Section, Severity, Snapshot, TargetData};
use dbvitals_testkit::{PgVersion, Postgres};
use jiff::ToSpan as _;

use super::harness::{DATABASE, Trial};

/// A system update that sorts anew cannot be made here: instead the version on record is made an older one.
#[tokio::test]
async fn indexes_of_a_changed_collation_are_rebuilt_before_its_version_is_recorded() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-index-collation-version-mismatch", server).await;
        trial
            .sql(
                "create schema \"Shop\"; \
                 create collation \"Shop\".\"By name\" (provider = icu, locale = 'de'); \
                 create table t (a text collate \"Shop\".\"By name\", b text collate \"de-x-icu\"); \
                 create index \"On a\" on t (a); create index on t (b); \
                 create table p (a text collate \"de-x-icu\") partition by list (a); \
                 create table p1 partition of p for values in ('x'); create index on p (a)",
            )
            .await;
        trial.gone().await;
        trial
            .sql(
                "update pg_collation set collversion = '0.1' \
                 where collname in ('de-x-icu', 'By name')",
            )
            .await;
        let found = trial.findings().await;
        assert_eq!(found.len(), 2, "{found:#?}");
        for finding in &found {
            assert_eq!(finding.severity, Severity::Critical);
            let file = format!("pg_relation_filenode('{}')", index_of(&finding.subject.name));
            let before = trial.server.scalar(DATABASE, &format!("select {file}")).await.unwrap();
            trial.apply(finding).await;
            let after = trial.server.scalar(DATABASE, &format!("select {file}")).await.unwrap();
            assert_ne!(before, after, "it was rebuilt");
        }
        trial.gone().await;
    }
}

fn index_of(collation: &str) -> &'static str {
    if collation.contains("By name") { "\"On a\"" } else { "t_b_idx" }
}

/// The same for the collation that texts of a database have when nothing else is said (15 and later).
#[tokio::test]
async fn a_database_whose_own_collation_changed_is_rebuilt() {
    for version in [PgVersion::V15, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        server
            .sql(
                "postgres",
                "create database app template template0 locale_provider icu icu_locale 'de' locale 'C'",
            )
            .await
            .unwrap();
        let trial = Trial::on("pg-index-collation-version-mismatch", server);
        trial.sql("create table t (a text); create index on t (a)").await;
        trial.gone().await;
        trial.sql("update pg_database set datcollversion = '0.1' where datname = 'app'").await;
        let found = trial.found().await;
        assert_eq!(found.subject.name, "default");
        trial.apply(&found).await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn indexes_larger_than_the_cache_miss_until_they_fit() {
    let server =
        Postgres::builder(PgVersion::V17).setting("shared_buffers", "1MB").start().unwrap();
    let trial = Trial::of("pg-low-index-hit-ratio", server).await.limit("min_blocks_count", 5000.0);
    trial
        .sql(
            "create table t (n int) with (autovacuum_enabled = off); \
             insert into t select generate_series(1, 200000); \
             create index t_n on t (n)",
        )
        .await;
    trial.sql("vacuum (analyze) t").await;
    trial.gone().await;
    // A prime, so that each look-up needs another page.
    let look_up = "do $$ begin set local enable_seqscan = off; set local enable_bitmapscan = off; \
        for i in 1..5000 loop perform n from t where n = 1 + i * 7919 % 200000; end loop; end $$";
    let counted = "idx_scan >= 5000 from pg_stat_user_indexes where indexrelname = 't_n'";
    trial.sql(look_up).await;
    trial.until(counted).await;
    let found = trial.found().await;
    assert_eq!((found.severity, found.subject.name.as_str()), (Severity::Warning, DATABASE));
    let misses = found.evidence.iter().find(|evidence| evidence.label == "most misses").unwrap();
    assert!(format!("{:?}", misses.value).contains("public.t_n"), "{misses:?}");

    trial.sql("alter system set shared_buffers = '64MB'").await;
    trial.server.restart().unwrap();
    // Once to fill the cache, once to be counted.
    for _ in 0..2 {
        trial.sql("select pg_stat_reset()").await;
        trial.until("coalesce(sum(idx_scan), 0) = 0 from pg_stat_user_indexes").await;
        trial.sql(look_up).await;
        trial.until(counted).await;
    }
    trial.gone().await;
}

/// Nobody counts for weeks in a test: the moment the statistics began is set twenty days back in what was seen. The
/// scan, the writes and the size are real.
#[tokio::test]
async fn an_index_written_for_weeks_and_read_once_is_told() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    let trial = Trial::of("pg-rarely-used-index", server).await.limit("min_size_bytes", 8192.0);
    trial
        .sql(
            "create table t (id int, code int); create index by_code on t (code); \
             insert into t select g, g from generate_series(1, 5000) as g; \
             set enable_seqscan = off; select id from t where code = 7",
        )
        .await;
    trial.until("n_tup_ins = 5000 from pg_stat_user_tables where relname = 't'").await;
    trial.until("idx_scan = 1 from pg_stat_user_indexes where relname = 't'").await;
    let found = trial.findings_in(&weeks_later(trial.snapshot().await));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(
        (found[0].severity, found[0].subject.name.as_str()),
        (Severity::Info, "public.by_code")
    );
    trial.sql("drop index by_code").await;
    assert_eq!(trial.findings_in(&weeks_later(trial.snapshot().await)), []);
}

fn weeks_later(mut snapshot: Snapshot) -> Snapshot {
    let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { unreachable!() };
    let then = pg.server.now.checked_sub(480.hours()).unwrap();
    let Section::Collected(databases) = &mut pg.databases else { panic!("{:?}", pg.databases) };
    databases.value.iter_mut().for_each(|database| database.stats_reset = Some(then));
    pg.server.started_at = Some(then);
    snapshot
}
