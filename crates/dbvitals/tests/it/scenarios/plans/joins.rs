//! Joins and subqueries that do the same again and again.

use super::desk::{BOTH_ENDS, Desk, WITH_MEMOIZE};

/// An `OR` across two tables, and its two branches.
#[tokio::test]
async fn an_or_between_tables_becomes_two_joins() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-late-filter", version).await;
        desk.sql(
            "create table a as select n as id, n + 100000 as code from generate_series(1, 400) n; \
             create table b as select n as id, n + 200000 as code from generate_series(1, 400) n; analyze",
        )
        .await;
        let found = desk.found("select a.id, b.id from a join b on a.id = b.id or a.code = b.code");
        assert!(found.recommendation.contains("UNION"), "{}", found.recommendation);
        desk.gone(
            "select a.id, b.id from a join b on a.id = b.id \
             union select a.id, b.id from a join b on a.code = b.code",
        );
    }
}

#[tokio::test]
async fn a_subquery_of_each_row_becomes_a_join() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-subplan-per-row", version).await;
        desk.sql(
            "create table customers as select n as id from generate_series(1, 300) n; \
             create table orders as select n as id, n % 300 as customer from generate_series(1, 3000) n; analyze",
        )
        .await;
        let each = "select c.id, (select max(o.id) from orders o where o.customer = c.id) from customers c";
        let found = desk.found(each);
        assert!(found.message.contains("run 300 times"), "{}", found.message);
        desk.gone(
            "select c.id, o.last from customers c \
             left join (select customer, max(id) as last from orders group by 1) o on o.customer = c.id",
        );
        // Hashed once, then only looked up.
        desk.gone("select id from customers where id not in (select customer from orders)");
    }
}

/// The planner was told of ten different keys; there are five thousand. `Memoize` is there since 14.
#[tokio::test]
async fn a_cache_of_lookups_is_given_up_when_the_keys_are_many() {
    for version in WITH_MEMOIZE {
        let desk = Desk::of("plan-memoize-evictions", version).await;
        desk.sql(
            "create table items (id int primary key, note text); \
             insert into items select n, repeat('x', 200) from generate_series(1, 5000) n; \
             create table sold (item int, note text); \
             insert into sold select n * 7 % 5000 + 1, 'x' from generate_series(1, 20000) n; \
             alter table sold alter item set (n_distinct = 10); analyze",
        )
        .await;
        desk.set("work_mem", "'64kB'").await;
        desk.set("enable_hashjoin", "off").await;
        desk.set("enable_mergejoin", "off").await;
        let statement = "select count(i.note) from sold s join items i on i.id = s.item";
        let found = desk.found(statement);
        assert!(found.message.contains("entries out of its cache"), "{}", found.message);
        desk.sql("alter table sold alter item reset (n_distinct)").await;
        desk.sql("analyze sold").await;
        desk.gone(statement);
    }
}

#[tokio::test]
async fn a_common_table_expression_is_filtered_where_it_is_read() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-cte-refiltered", version).await;
        desk.sql("create table orders as select n as id, n % 100 as customer from generate_series(1, 30000) n; analyze").await;
        let written =
            "with recent as materialized (select * from orders) select * from recent where id = 7";
        let found = desk.found(written);
        assert!(found.recommendation.contains("AS NOT MATERIALIZED"), "{}", found.recommendation);
        desk.gone(&written.replace("materialized", "not materialized"));
        // Read twice, it is computed once on purpose.
        desk.gone(
            "with recent as (select * from orders) select * from recent a join recent b on b.id = a.id + 1 where a.id = 7",
        );
    }
}
