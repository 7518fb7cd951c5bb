//! What belongs to a statement as a whole.

use dbvitals_model::Measure;
use dbvitals_testkit::PgVersion;

use super::{
    super::harness::each,
    desk::{BOTH_ENDS, Desk},
};

#[tokio::test]
async fn a_page_far_down_is_reached_by_its_key() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-large-offset", version).await;
        desk.sql("create table t as select n as id from generate_series(1, 30000) n; create unique index on t (id); analyze")
            .await;
        let found = desk.found("select id from t order by id limit 10 offset 25000");
        assert!(found.message.contains("read 25,010 rows and gave 10"), "{}", found.message);
        desk.gone("select id from t where id > 25000 order by id limit 10");
    }
}

/// Only Debian's server is built with the compiler.
#[tokio::test]
async fn a_short_statement_is_not_compiled() {
    let desk = Desk::of("plan-jit-waste", PgVersion::Debian15).await;
    desk.sql("create table t as select n from generate_series(1, 1000) n; analyze").await;
    desk.set("jit", "on").await;
    desk.until("pg_jit_available()").await;
    desk.set("jit_above_cost", "0").await;
    let statement = "select sum(n * 2) from t where n % 3 = 1";
    let found = desk.found(statement);
    assert!(found.message.contains("just-in-time compilation took"), "{}", found.message);
    desk.apply(&found).await;
    desk.gone(statement);
}

/// A customer who is deleted is looked for in all orders. With the index the check of a key takes microseconds: that
/// it is silent then is by its own smallest time.
#[tokio::test]
async fn the_referring_side_of_a_foreign_key_gets_an_index() {
    for version in BOTH_ENDS {
        let desk =
            Desk::of("plan-trigger-time", version).await.by_default().with(&["--allow-writes"]);
        desk.sql(
            "create table customers (id int primary key); \
             create table orders (id int, customer int references customers); \
             insert into customers select n from generate_series(1, 1000) n; \
             insert into orders select n, n % 500 + 501 from generate_series(1, 200000) n; analyze",
        )
        .await;
        let statement = "delete from customers where id <= 20";
        let found = desk.found(statement);
        assert!(found.message.contains("constraint orders_customer_fkey"), "{}", found.message);
        let fix = &found.fix.as_ref().unwrap().statements[0];
        assert!(fix.contains("ON public.orders (customer)"), "{fix}");
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// The planner does not ask whether workers are free.
#[tokio::test]
async fn workers_that_are_allowed_come() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-workers-not-launched", version).await;
        desk.sql("create table t as select n, repeat('x', 100) as note from generate_series(1, 50000) n; analyze").await;
        for (name, value) in [
            ("max_parallel_workers_per_gather", "2"),
            ("max_parallel_workers", "0"),
            ("parallel_setup_cost", "0"),
            ("min_parallel_table_scan_size", "0"),
        ] {
            desk.set(name, value).await;
        }
        let statement = "select count(*) from t where note like '%y%'";
        let found = desk.found(statement);
        assert!(found.message.contains("got 0 of 2 workers"), "{}", found.message);
        assert!(found.recommendation.contains("raise max_parallel_workers"));
        desk.set("max_parallel_workers", "8").await;
        desk.gone(statement);
    }
}

/// How long planning takes is the machine's affair: half of what it took is the limit.
#[tokio::test]
async fn indexes_nobody_uses_need_no_planning() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-planning-dominates", version).await.by_default();
        let index = |n| format!("create index unused_{n} on t (k, v);");
        desk.sql(
            "create table t (id int primary key, k int, v int); insert into t values (1, 7, 7)",
        )
        .await;
        desk.sql(&each(300, index)).await;
        let statement = "select v from t where k = 7";
        let desk = desk.limit("min_planning_ms", 0.0);
        let found = desk.found(statement);
        assert!(found.recommendation.contains("drop indexes nobody uses"));
        let planning = found.evidence.iter().find(|it| it.label == "planning").unwrap();
        let Measure::Number(ms) = planning.value else { panic!("{planning:?}") };
        desk.sql(&each(300, |n| format!("drop index unused_{n};"))).await;
        let desk = desk.limit("min_planning_ms", ms / 2.0);
        desk.gone(statement);
    }
}
