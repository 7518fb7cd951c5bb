//! Settings for a disk that the server's own reads show to be another.

use dbvitals_testkit::{PgVersion, Postgres};

use super::{cluster, harness::Trial};

/// Check, setting, and the value it must not have on fast storage.
const WRONG: [(&str, &str, &str); 2] = [
    ("pg-random-page-cost", "random_page_cost", "4"),
    ("pg-effective-io-concurrency", "effective_io_concurrency", "1"),
];

#[tokio::test]
async fn costs_follow_the_reads_that_were_timed() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let small = Postgres::builder(version).setting("shared_buffers", "2MB");
        let server =
            WRONG.iter().fold(small, |builder, (_, name, value)| builder.setting(name, value));
        let mut trial = Trial::of(WRONG[0].0, server.start().unwrap()).await;
        assert!(trial.skipped().await.remedy.unwrap().contains("track_io_timing"));
        cluster::set(&trial.server, &[("track_io_timing", "on")]).await;
        read_blocks(&trial).await;
        for (check, setting, _) in WRONG {
            trial = trial.then(check);
            let found = trial.found().await;
            assert_eq!(found.subject.name, setting, "{version}");
            trial.mend(&found).await;
            trial.gone().await;
            cluster::undo(&trial.server, "postgres", &found).await;
            trial.found().await;
        }
    }
}

/// Reads more than ten thousand blocks that are not in the server's own memory.
async fn read_blocks(trial: &Trial) {
    trial
        .sql(
            "create table t (c text); alter table t alter c set storage plain; \
             insert into t select repeat('x', 7000) from generate_series(1, 1500)",
        )
        .await;
    trial.sql(&"select count(*) from t;".repeat(9)).await;
    trial.until("sum(blks_read) > 12000 and sum(blk_read_time) > 0 from pg_stat_database").await;
}
