//! Indexes that find too much, in the wrong order, or in too many places.

use super::desk::{BOTH_ENDS, Desk};

#[tokio::test]
async fn an_index_that_finds_too_much_is_extended() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-inefficient-index", version).await;
        desk.sql(
            "create table orders (id int, customer int, code int, note text); \
             insert into orders select n, n / 3000, n % 1000, repeat('x', 80) from generate_series(1, 60000) n; \
             create index on orders (customer); analyze",
        )
        .await;
        let statement = "select id from orders where customer = 3 and code = 77";
        let found = desk.found(statement);
        assert!(found.message.contains("finds 3,000 rows per execution"), "{}", found.message);
        desk.gone("select id from orders where customer = 3");
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// The planner bets that rare rows are spread evenly; all of them stand at the end.
#[tokio::test]
async fn an_index_read_for_its_order_begins_with_the_filter() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-wrong-index-for-order", version).await;
        desk.sql(
            "create table events (id int primary key, kind text, note text); \
             insert into events select n, case when n > 59000 then 'rare' else 'usual' end, repeat('x', 80) \
             from generate_series(1, 60000) n; analyze",
        )
        .await;
        let statement = "select id from events where kind = 'rare' order by id limit 10";
        let found = desk.found(statement);
        assert!(found.message.contains("under a LIMIT"), "{}", found.message);
        desk.gone("select id from events where kind = 'usual' order by id limit 10");
        let fix = &found.fix.as_ref().unwrap().statements[0];
        assert!(fix.ends_with("(kind, id);"), "{fix}");
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// A vacuum marks pages as visible to all, which an update of every row had taken back.
#[tokio::test]
async fn an_index_only_scan_stays_away_from_the_table() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-heap-fetches", version).await;
        desk.each(&[
            "create table t (k int, v int)",
            "insert into t select n, 0 from generate_series(1, 30000) n",
            "create index on t (k) include (v)",
            "vacuum analyze t",
        ])
        .await;
        let statement = "select sum(v) from t where k between 1000 and 6000";
        desk.gone(statement);
        desk.sql("update t set v = 1").await;
        let found = desk.found(statement);
        assert!(found.message.contains("not marked all-visible"), "{}", found.message);
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// One entry is left on each page of the index, so that none of them could be given back.
#[tokio::test]
async fn an_index_of_nearly_empty_pages_is_rebuilt() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-read-inefficiency", version).await;
        desk.each(&[
            "create table t (k text, v int)",
            "insert into t select lpad(n::text, 300, '0'), n from generate_series(1, 40000) n",
            "create index on t (k)",
            "delete from t where v % 20 <> 0",
            "vacuum analyze t",
        ])
        .await;
        desk.set("enable_seqscan", "off").await;
        desk.set("enable_bitmapscan", "off").await;
        let statement = "select count(v) from t where k > '0'";
        let found = desk.found(statement);
        assert!(found.message.contains("pages for 2,000 rows"), "{}", found.message);
        desk.apply(&found).await;
        desk.gone(statement);
    }
}
