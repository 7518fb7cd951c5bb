//! Statements by class: over their target, sums computed again and again.

use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::Trial;

async fn counting(check: &'static str, version: PgVersion) -> Trial {
    let server = Postgres::builder(version)
        .preload("pg_stat_statements")
        .setting("autovacuum", "off")
        .start()
        .unwrap();
    Trial::of(check, server).await.with_statements().await
}

const RESET: &str = "select pg_stat_statements_reset()";

#[tokio::test]
async fn a_simple_read_over_its_target_keeps_it_with_an_index_on_every_version() {
    for version in PgVersion::ALL {
        let trial = counting("pg-statement-over-class-target", version)
            .await
            .limit("simple_read_mean_ms", 4.0)
            .limit("join_mean_ms", 4.0)
            .limit("write_mean_ms", 4.0)
            .limit("min_busy_ratio", 0.0);
        trial
            .sql(
                "create table orders (id int, customer int, note text); \
                 insert into orders select n, n % 20000, repeat('x', 50) from generate_series(1, 400000) n; \
                 analyze orders; set max_parallel_workers_per_gather = 0",
            )
            .await;
        trial.sql(RESET).await;
        trial.gone().await;
        let work = "select note from orders where customer = 42; \
                    select a.note from orders a join orders b using (id) where a.customer = 7; \
                    update orders set note = 'y' where customer = 17; \
                    select count(*) from orders;";
        trial.sql(&work.repeat(50)).await;
        let found = trial.findings().await;
        let classes: Vec<_> = found.iter().map(|one| one.subject.name.as_str()).collect();
        assert_eq!(classes, ["join", "simple read", "write"], "{version:?}: {found:#?}");
        trial.sql("create index on orders (customer); create index on orders (id)").await;
        trial.sql("analyze orders").await;
        trial.sql(RESET).await;
        trial.sql(&work.repeat(50)).await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_sum_computed_anew_is_kept() {
    let trial = counting("pg-missing-materialized-view", PgVersion::V17)
        .await
        .limit("min_mean_ms", 1.0)
        .limit("max_daily_change_ratio", 1e6);
    trial
        .sql(
            "create table sold (state int, price int); \
             insert into sold select n % 7, n from generate_series(1, 200000) n; analyze sold",
        )
        .await;
    // Changes a day are reckoned from a day on; no test can wait for it.
    let snapshot = || async {
        let mut seen = trial.snapshot().await;
        for target in &mut seen.targets {
            if let dbvitals_model::TargetData::Postgres(pg) = &mut target.data {
                let day = jiff::SignedDuration::from_hours(48);
                pg.server.now = pg.server.now.checked_add(day).unwrap();
            }
        }
        seen
    };
    let sum = "select state, sum(price) from sold group by state;";
    trial.sql(RESET).await;
    trial.sql(&sum.repeat(60)).await;
    let found = trial.findings_in(&snapshot().await);
    assert_eq!(found.len(), 1, "{found:#?}");
    trial.apply(&found[0]).await;
    let kept = &found[0].fix.as_ref().unwrap().statements[0];
    let view = kept.split_whitespace().nth(3).unwrap();
    trial.sql(RESET).await;
    trial.sql(&format!("select state, sum from {view};").repeat(60)).await;
    assert_eq!(trial.findings_in(&snapshot().await), []);
}
