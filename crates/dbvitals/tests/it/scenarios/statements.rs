//! Statements that are slow, dominant, spill, and so on.

use dbvitals_model::Severity;
use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::{DATABASE, Trial, each};

async fn counting(check: &'static str, version: PgVersion) -> Trial {
    let server = Postgres::builder(version)
        .preload("pg_stat_statements")
        .setting("track_io_timing", "on")
        .setting("pg_stat_statements.track_planning", "on")
        .setting("autovacuum", "off")
        .start()
        .unwrap();
    Trial::of(check, server).await.with_statements().await
}

/// Two hundred thousand orders without an index on their customer.
async fn with_orders(trial: &Trial) {
    trial
        .sql(
            "create table orders (id int, customer int, note text); \
             insert into orders select n, n % 5000, repeat('x', 50) from generate_series(1, 200000) n; \
             analyze orders",
        )
        .await;
    trial.sql("select pg_stat_statements_reset()").await;
}

const LOOKUP: &str = "select sum(id) from orders where customer = 42;";

#[tokio::test]
async fn a_slow_lookup_is_fast_with_an_index_on_every_version() {
    for version in PgVersion::ALL {
        let trial = counting("pg-slow-statement", version).await.limit("mean_ms", 1.0);
        with_orders(&trial).await;
        trial.sql(&LOOKUP.repeat(50)).await;
        let found = trial.found_about("from orders where customer").await;
        assert_eq!(found.subject.database.as_deref(), Some("app"));
        assert!(found.recommendation.contains("missing index"), "{}", found.recommendation);
        trial.sql("create index on orders (customer); select pg_stat_statements_reset()").await;
        trial.sql(&LOOKUP.repeat(50)).await;
        trial.gone_about("from orders where customer").await;
    }
}

#[tokio::test]
async fn one_statement_that_takes_all_the_time_is_dominant() {
    let trial =
        counting("pg-dominant-statement", PgVersion::V16).await.limit("min_busy_ratio", 0.0);
    with_orders(&trial).await;
    trial.sql(&LOOKUP.repeat(100)).await;
    let found = trial.found_about("from orders where customer").await;
    assert_eq!(found.severity, Severity::Warning);
    trial.sql("create index on orders (customer); select pg_stat_statements_reset()").await;
    trial.sql(&LOOKUP.repeat(100)).await;
    trial.sql(&"select count(*) from orders where note like '%y%';".repeat(100)).await;
    trial.gone_about("from orders where customer").await;
}

#[tokio::test]
async fn what_is_asked_a_thousand_times_is_frequent() {
    let trial = counting("pg-frequent-statement", PgVersion::V17).await;
    trial.sql("create table t (id int)").await;
    trial.sql(&"begin; select id from t; commit;".repeat(1000)).await;
    let found = trial.found().await;
    assert!(found.message.contains("select id from t"), "{}", found.message);
}

#[tokio::test]
async fn a_sort_that_spills_stays_in_memory_with_the_fix() {
    let trial =
        counting("pg-statement-temp-spill", PgVersion::V18).await.limit("max_temp_bytes", 1e6);
    trial.sql("create table t as select random() as r from generate_series(1, 200000)").await;
    let sort = "select r from (select r from t order by r offset 199999) as last;".repeat(10);
    trial.sql("alter database app set work_mem = '64kB'").await;
    trial.sql(&sort).await;
    let settled = "alter database app reset work_mem; select pg_stat_statements_reset()";
    let found = trial.found_about("order by r").await;
    trial.sql(settled).await;
    trial.apply(&found).await;
    trial.sql(&sort).await;
    trial.gone_about("order by r").await;
}

#[tokio::test]
async fn compilation_is_switched_off_where_it_costs_more() {
    let trial = counting("pg-statement-jit-overhead", PgVersion::Debian15)
        .await
        .limit("min_busy_ratio", 0.0);
    trial.until("pg_jit_available()").await;
    trial.sql("create table t as select n from generate_series(1, 1000) n; analyze t").await;
    let reset = "select pg_stat_statements_reset()";
    trial.sql("alter database app set jit_above_cost = 0; alter database app set jit = on").await;
    trial.sql(reset).await;
    let sum = "select sum(n * 2) from t where n % 3 = 1;".repeat(20);
    trial.sql(&sum).await;
    let found = trial.found_about("select sum").await;
    trial.apply(&found).await;
    trial.sql(reset).await;
    trial.sql(&sum).await;
    trial.gone_about("select sum").await;
}

#[tokio::test]
async fn what_takes_longer_to_plan_than_to_run_is_prepared() {
    let trial = counting("pg-statement-planning-heavy", PgVersion::V18).await;
    let trial = trial.limit("min_busy_ratio", 0.0);
    let partition = |n| format!("create table p{n} partition of p for values in ({n});");
    trial
        .sql(&format!("create table p (id int) partition by list (id); {}", each(100, partition)))
        .await;
    let reset = "select pg_stat_statements_reset()";
    trial.sql(reset).await;
    let lookup = "select id from p where id = 7 or id = 8;";
    trial.sql(&lookup.repeat(200)).await;
    trial.found_about("from p where").await;
    trial.sql(reset).await;
    trial.sql(&format!("prepare lookup as {lookup} {}", "execute lookup;".repeat(200))).await;
    trial.gone_about("from p where").await;
}

#[tokio::test]
async fn many_rows_much_wal_and_cold_reads_are_told() {
    let trial = counting("pg-statement-many-rows", PgVersion::V17).await;
    with_orders(&trial).await;
    trial.sql(&"select * from orders where id <= 20000;".repeat(10)).await;
    let found = trial.found().await;
    assert!(found.message.contains("returns 20,000 rows per call"), "{}", found.message);

    let trial = counting("pg-statement-wal-heavy", PgVersion::V13).await;
    trial.sql("create table t (n int, note text)").await;
    let load = "insert into t select n, repeat('x', 1900) from generate_series(1, 1000) n;";
    trial.sql(&load.repeat(10)).await;
    trial.found_about("insert into t").await;
}

#[tokio::test]
async fn a_working_set_larger_than_the_cache_is_told() {
    let server = Postgres::builder(PgVersion::V17)
        .preload("pg_stat_statements")
        .setting("shared_buffers", "1MB")
        .start()
        .unwrap();
    let trial = Trial::of("pg-statement-low-hit-ratio", server)
        .await
        .with_statements()
        .await
        .limit("min_busy_ratio", 0.0);
    with_orders(&trial).await;
    trial.sql(&LOOKUP.repeat(50)).await;
    trial.found_about("from orders where customer").await;
    trial.sql("create index on orders (customer, id); select pg_stat_statements_reset()").await;
    trial.sql("vacuum analyze orders").await;
    trial.sql(&LOOKUP.repeat(50)).await;
    trial.gone_about("from orders where customer").await;
}

/// One update of a hundred waits a second and a half for somebody else's lock.
#[tokio::test]
async fn a_statement_that_waits_now_and_then_is_erratic() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let trial = counting("pg-erratic-statement", version).await;
        trial
            .sql("create table stock (id int, left_over int); insert into stock values (1, 0)")
            .await;
        let sell = "update stock set left_over = left_over + 1 where id = 1;";
        trial.sql("select pg_stat_statements_reset()").await;
        trial.sql(&sell.repeat(99)).await;
        trial.gone().await;
        let holder = trial.server.client(DATABASE).await.unwrap();
        holder.batch_execute("begin; select id from stock for update").await.unwrap();
        let waits = "count(*) > 0 from pg_locks where not granted";
        let releasing = async {
            trial.until(waits).await;
            holder.batch_execute("select pg_sleep(1.5); commit").await.unwrap();
        };
        tokio::join!(trial.sql(sell), releasing);
        let found = trial.found_about("update stock").await;
        assert_eq!(found.severity, Severity::Info);
        trial.sql("select pg_stat_statements_reset()").await;
        trial.sql(&sell.repeat(100)).await;
        trial.gone_about("update stock").await;
    }
}

/// A table that does not fit the cache is read from outside by each call; with an index what is read fits.
#[tokio::test]
async fn a_statement_that_waits_for_reads_gets_an_index() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version)
            .preload("pg_stat_statements")
            .setting("track_io_timing", "on")
            .setting("shared_buffers", "1MB")
            .setting("autovacuum", "off")
            .start()
            .unwrap();
        // What the disk delivers comes from the machine's memory here: any wait counts.
        let trial = Trial::of("pg-io-bound-statement", server).await.with_statements().await;
        let trial = trial.limit("min_busy_ratio", 0.0).limit("max_io_ratio", 0.001);
        with_orders(&trial).await;
        trial.sql(&LOOKUP.repeat(20)).await;
        let found = trial.found_about("from orders where customer").await;
        assert_eq!(found.severity, Severity::Warning);
        trial.sql("create index on orders (customer, id)").await;
        trial.sql("vacuum analyze orders").await;
        let reset = "select pg_stat_statements_reset();";
        trial.sql(&format!("{LOOKUP} {reset} {}", LOOKUP.repeat(20))).await;
        trial.gone_about("from orders where customer").await;
    }
}

#[tokio::test]
async fn a_database_that_writes_temporary_files_gets_memory() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    let trial = Trial::of("pg-temp-files", server).await.limit("max_bytes_per_day", 1e6);
    trial.sql("create table t as select random() as r from generate_series(1, 200000)").await;
    let sort = "select r from (select r from t order by r offset 199999) as last;";
    trial.sql(&format!("set work_mem = '64kB'; {sort}")).await;
    trial.until("temp_bytes > 0 from pg_stat_database where datname = 'app'").await;
    let found = trial.found().await;
    trial.apply(&found).await;
    trial.sql("select pg_stat_reset()").await;
    trial.until("temp_bytes = 0 from pg_stat_database where datname = 'app'").await;
    trial.sql(sort).await;
    trial.gone().await;
}
