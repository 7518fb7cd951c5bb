//! Steps that do not fit into memory.

use dbvitals_model::Finding;

use super::desk::{BOTH_ENDS, Desk};

/// A database whose statements have little memory.
async fn poor(check: &'static str, version: dbvitals_testkit::PgVersion) -> Desk {
    let desk = Desk::of(check, version).await;
    desk.set("work_mem", "'1MB'").await;
    desk
}

/// The memory granted is enough and no more than the largest that is proposed.
async fn enough(desk: &Desk, found: &Finding, statement: &str) {
    let fix = found.fix.as_ref().unwrap_or_else(|| panic!("no fix: {found:#?}"));
    assert!(fix.statements[0].starts_with("SET LOCAL work_mem = '"), "{fix:?}");
    desk.apply(found).await;
    desk.gone(statement);
}

#[tokio::test]
async fn a_sort_gets_the_memory_it_needs() {
    for version in BOTH_ENDS {
        let desk = poor("plan-sort-spill", version).await;
        desk.sql("create table t as select random() as r, n as k, repeat('x', 60) as note from generate_series(1, 40000) n; analyze")
            .await;
        // Wide rows, and short ones, which take several times their size in memory.
        for statement in ["select * from t order by r", "select r, k from t order by r"] {
            desk.set("work_mem", "'1MB'").await;
            let found = desk.found(statement);
            assert!(found.message.contains("sorted on disk"), "{}", found.message);
            enough(&desk, &found, statement).await;
        }
        desk.set("work_mem", "'1MB'").await;
        desk.gone("select * from t order by r limit 10");
    }
}

#[tokio::test]
async fn a_hash_join_gets_the_memory_it_needs() {
    for version in BOTH_ENDS {
        let desk = poor("plan-hash-spill", version).await;
        desk.sql(
            "create table a as select n as k, repeat('x', 60) as note from generate_series(1, 60000) n; \
             create table b as select n as k, repeat('y', 60) as note from generate_series(1, 60000) n; analyze",
        )
        .await;
        desk.set("enable_mergejoin", "off").await;
        let statement = "select a.note, b.note from a join b using (k)";
        let found = desk.found(statement);
        assert!(found.message.contains("batches on disk"), "{}", found.message);
        enough(&desk, &found, statement).await;
    }
}

/// The planner expects 200 groups of an expression it knows nothing of.
#[tokio::test]
async fn groups_get_the_memory_they_need() {
    for version in BOTH_ENDS {
        let desk = poor("plan-aggregate-spill", version).await;
        desk.sql("create table t as select n as k from generate_series(1, 60000) n; analyze").await;
        desk.set("enable_sort", "off").await;
        let statement = "select md5(k::text), count(*) from t group by 1";
        let found = desk.found(statement);
        assert!(found.message.contains("by way of the disk"), "{}", found.message);
        enough(&desk, &found, statement).await;
    }
}

/// One row of every page, in a bitmap of 64 kB: pages are remembered without their rows.
#[tokio::test]
async fn a_bitmap_gets_the_memory_it_needs() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-bitmap-lossy", version).await;
        desk.sql(
            "create table t as select n as id, n % 40 as k, repeat('x', 150) as note \
             from generate_series(1, 120000) n; create index on t (k); analyze",
        )
        .await;
        desk.set("work_mem", "'64kB'").await;
        desk.set("enable_seqscan", "off").await;
        desk.set("enable_indexscan", "off").await;
        let statement = "select count(note) from t where k = 7";
        let found = desk.found(statement);
        assert!(found.message.contains("pages without their rows"), "{}", found.message);
        enough(&desk, &found, statement).await;
    }
}

/// The inner side of a join that has no equality is kept, and read for each row of the outer one.
#[tokio::test]
async fn rows_kept_for_later_get_the_memory_they_need() {
    for version in BOTH_ENDS {
        let desk = poor("plan-temporary-files", version).await;
        desk.sql(
            "create table a as select n as k from generate_series(1, 20) n; \
             create table b as select n as k, repeat('y', 60) as note from generate_series(1, 30000) n; analyze",
        )
        .await;
        let joined = "select count(note) from a left join b on b.k % 7 + a.k < 0";
        let kept = "with kept as materialized (select * from b) \
                    select count(x.note) from kept x where x.k > (select avg(k) from kept)";
        let windows =
            "select sum(n + length(note)) from (select note, count(*) over () as n from b) as w";
        for statement in [joined, kept, windows] {
            desk.set("work_mem", "'1MB'").await;
            let found = desk.found(statement);
            assert!(found.message.contains("to temporary files"), "{}", found.message);
            enough(&desk, &found, statement).await;
        }
    }
}
