//! Checkpoints and autovacuum.

use std::fs;

use super::logged::{Logged, VERSIONS, evidence, list_of_evidence, message, number, words};

/// Eight segments of WAL.
async fn fill_wal(log: &Logged) {
    for _ in 0..8 {
        log.sql("insert into t select 1; select pg_switch_wal()").await;
    }
    log.sql("checkpoint").await;
}

#[tokio::test]
async fn checkpoints_forced_by_wal_are_told_until_wal_has_room() {
    for version in VERSIONS {
        let settings = [("max_wal_size", "32MB"), ("checkpoint_warning", "1h")];
        let log = Logged::of(version, &settings).await;
        log.sql("create table t (id int)").await;
        fill_wal(&log).await;
        log.until_logged("checkpoints are occurring too frequently", 1).await;
        let found = log.found("log-checkpoints-too-frequent").await;
        assert!(message(&found).starts_with("the server warned "), "{found:#}");
        assert!(number(&found, "warnings") >= 1.0 && number(&found, "by WAL") >= 1.0, "{found:#}");
        log.sql("alter system set max_wal_size = '4GB'").await;
        log.sql("select pg_reload_conf()").await;
        log.until("current_setting('max_wal_size') = '4GB'").await;
        // The checkpointer reads its settings before it begins the checkpoint that is asked for.
        log.sql("checkpoint").await;
        log.look("log-checkpoints-too-frequent").await;
        fill_wal(&log).await;
        log.gone("log-checkpoints-too-frequent").await;
    }
}

/// A disk that takes seconds cannot be made here: in a copy of the log two times of a checkpoint are others, nothing else.
#[tokio::test]
async fn a_slow_sync_of_a_checkpoint_is_told_and_a_quick_one_is_not() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql("create table t as select generate_series(1, 1000); checkpoint").await;
        log.is_written().await;
        let folder = tempfile::tempdir().unwrap();
        let slow = log.files.iter().map(|file| {
            let written = fs::read_to_string(file).unwrap();
            let at = written.find("longest=").unwrap();
            let seconds = written[at..].find(" s,").unwrap() + at;
            let copy = folder.path().join(file.file_name().unwrap());
            let text = format!("{}longest=7.250{}", &written[..at], &written[seconds..]);
            fs::write(&copy, text).unwrap();
            copy
        });
        let slow: Vec<_> = slow.collect();
        let found = log.look_at("log-checkpoint-sync-slow", &slow);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(evidence(&found[0], "longest sync"), 7.25, "{found:#?}");
        log.gone("log-checkpoint-sync-slow").await;
    }
}

/// A table that autovacuum works on slowly, again and again.
const SLOW: &str = "\
create table jobs (id int, note text) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50, \
  autovacuum_analyze_threshold = 1000000000, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1); \
insert into jobs select g, repeat('x', 100) from generate_series(1, 20000) g; delete from jobs where id % 10 = 0";

const VACUUMED: &str =
    "exists (select from pg_stat_progress_vacuum where relid = 'jobs'::regclass)";

#[tokio::test]
async fn autovacuum_that_gives_way_is_told_until_the_strong_lock_is_a_weak_one() {
    for version in VERSIONS {
        let log = Logged::of(version, &[("autovacuum_naptime", "1s")]).await;
        let log = log.limit("log-autovacuum-cancelled", "warning_per_day", 2.0);
        log.sql(SLOW).await;
        let job = |mode: &str| format!("begin; lock table jobs in {mode} mode; commit");
        for round in 1..=2 {
            log.until(VACUUMED).await;
            log.sql(&job("access exclusive")).await;
            log.until_logged("canceling autovacuum task", round).await;
        }
        let found = log.found("log-autovacuum-cancelled").await;
        assert_eq!(message(&found), "autovacuum was cancelled 2 times a day");
        assert_eq!(words(&found, "tables"), "app.public.jobs 2", "{found:#}");
        for _ in 0..2 {
            log.until(VACUUMED).await;
            log.sql(&job("row exclusive")).await;
        }
        log.gone("log-autovacuum-cancelled").await;
    }
}

#[tokio::test]
async fn a_vacuum_in_vain_is_told_until_the_old_transaction_ends() {
    for version in VERSIONS {
        let log = Logged::of(version, &[("autovacuum_naptime", "1s")]).await;
        log.sql(
            "create table jobs (id int) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50); \
             insert into jobs select generate_series(1, 3000)",
        )
        .await;
        let report = log.session().await;
        report
            .batch_execute("begin isolation level repeatable read; select 1 from jobs")
            .await
            .unwrap();
        log.sql("delete from jobs where id > 1000").await;
        log.until_logged("2000 are dead but not yet removable", 3).await;
        // No further one comes between this look and the end of what holds them back.
        log.sql("alter table jobs set (autovacuum_enabled = off)").await;
        let found = log.found("log-autovacuum-ineffective").await;
        assert!(message(&found).starts_with("app.public.jobs was vacuumed "), "{found:#}");
        assert_eq!(evidence(&found, "dead rows that must stay"), 2000.0, "{found:#}");
        assert!(number(&found, "vacuums in vain") >= 3.0, "{found:#}");
        assert_eq!(list_of_evidence(&found, "time").len(), 1, "{found:#}");
        report.batch_execute("commit").await.unwrap();
        log.sql("alter table jobs set (autovacuum_enabled = on)").await;
        log.until_logged("tuples: 2000 removed", 1).await;
        log.gone("log-autovacuum-ineffective").await;
    }
}
