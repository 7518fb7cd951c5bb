//! Statements that are slow, spill to disk, or are cut off.

use std::time::Instant;

use super::logged::{Logged, VERSIONS, message, number, words};
use crate::run::text;

const SHOP: &str = "\
create table orders (id int primary key); insert into orders select generate_series(1, 1000); \
create table payments (id int primary key, order_id int, sum int); \
insert into payments select g, g % 1000 + 1, 7 from generate_series(1, 20000) g; analyze orders, payments";

/// For each order all payments are read, or an index is asked.
const OPEN: &str = "select id, (select sum(p.sum) from payments p where p.order_id = o.id) from orders o where id > $1";

#[tokio::test]
async fn a_slow_statement_is_told_with_its_parameters_until_it_has_its_index() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await.limit("log-slow-statement", "warning_ms", 100.0);
        log.sql(SHOP).await;
        let client = log.session().await;
        let open = client.prepare(OPEN).await.unwrap();
        let begun = Instant::now();
        for from in 0..4_i32 {
            client.query(&open, &[&from]).await.unwrap();
        }
        let lasted = begun.elapsed().as_secs_f64() * 1000.0;
        let found = log.found("log-slow-statement").await;
        assert!(
            message(&found).contains("of 4 in all: select id, (select sum(p.sum)"),
            "{found:#}"
        );
        assert!(words(&found, "its parameters").contains("$1 = '"), "{found:#}");
        let longest = number(&found, "longest");
        assert!(number(&found, "95th percentile") <= longest && longest < lasted, "{found:#}");
        log.sql("create index on payments (order_id)").await;
        let open = client.prepare(OPEN).await.unwrap();
        for from in 0..60_i32 {
            client.query(&open, &[&from]).await.unwrap();
        }
        log.gone("log-slow-statement").await;
    }
}

const REPORT: &str = "select count(*) from (select md5(g::text) from generate_series(1, 60000) g order by 1 offset 0) s";

#[tokio::test]
async fn temporary_files_are_told_by_statement_until_its_role_has_the_memory() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        let log = log.limit("log-temporary-file", "warning_bytes_per_hour", 1e6);
        log.sql("alter role monitor set work_mem = '64kB'").await;
        for _ in 0..2 {
            log.session_of_monitor().await.batch_execute(REPORT).await.unwrap();
        }
        let found = log.found("log-temporary-file").await;
        assert!(words(&found, "statement").contains("generate_series"), "{found:#}");
        assert!(number(&found, "files") >= 2.0, "{found:#}");
        // Each row that is sorted holds 32 characters.
        assert!(number(&found, "temporary files an hour") > 2.0 * 60_000.0 * 32.0);
        log.sql("alter role monitor set work_mem = '64MB'").await;
        for _ in 0..2 {
            log.session_of_monitor().await.batch_execute(REPORT).await.unwrap();
        }
        log.gone("log-temporary-file").await;
    }
}

#[tokio::test]
async fn statements_that_are_cut_off_are_told_until_their_role_has_the_time() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql("alter role monitor set statement_timeout = '50ms'").await;
        let report = "select count(*) from generate_series(1, 3) g, pg_sleep(0.3 + g * 0)";
        for _ in 0..3 {
            log.session_of_monitor().await.batch_execute(report).await.unwrap_err();
        }
        let found = log.found("log-cancelled-statements").await;
        assert_eq!(message(&found), "3 statements were cut off");
        assert_eq!(words(&found, "statement"), report);
        assert!(words(&found, "message").contains("statement timeout"), "{found:#}");
        assert_eq!(words(&found, "users"), "monitor 3");
        log.sql("alter role monitor set statement_timeout = '1h'").await;
        for _ in 0..3 {
            log.session_of_monitor().await.batch_execute(report).await.unwrap();
        }
        log.gone("log-cancelled-statements").await;
    }
}

#[tokio::test]
async fn an_error_that_comes_again_and_again_is_told_until_its_cause_is_gone() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql("create table seen (id int primary key); insert into seen values (1)").await;
        let client = log.session().await;
        for _ in 0..50 {
            client.batch_execute("insert into seen values (1)").await.unwrap_err();
        }
        let found = log.found("log-errors-frequent").await;
        assert_eq!(text(&found, "/severity"), "warning");
        assert!(message(&found).contains("violates unique constraint \"seen_pkey\""), "{found:#}");
        assert_eq!(words(&found, "statement"), "insert into seen values (1)");
        for _ in 0..50 {
            let once = "insert into seen values (1) on conflict do nothing";
            client.batch_execute(once).await.unwrap();
        }
        log.gone("log-errors-frequent").await;
    }
}
