//! Numbers of rows the planner guessed wrong, and old statistics.

use dbvitals_model::Severity;

use super::{
    super::harness::{self, DATABASE},
    desk::{BOTH_ENDS, Desk},
};

/// Two columns that say the same: the planner multiplies their shares and expects a hundredth of the rows.
/// There are more pairs than fit into a list of the usual length.
async fn dependent(desk: &Desk) {
    desk.sql(
        "create table cars (id int, maker int, model int, note text); \
         insert into cars select n, n % 150, n % 150, 'n' || n from generate_series(1, 450000) n; \
         create table sales (car int, price int); \
         insert into sales select n, n from generate_series(1, 450000) n; \
         create index on cars (maker); create index on sales (car); analyze",
    )
    .await;
}

const JOINED: &str = "select sum(s.price) from cars c join sales s on s.car = c.id where c.maker = 7 and c.model = 7";

#[tokio::test]
async fn statistics_of_both_columns_mend_the_guess() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-misestimate", version).await;
        dependent(&desk).await;
        let found = desk.found(JOINED);
        assert!(found.severity >= Severity::Warning, "{}", found.message);
        let fix = &found.fix.as_ref().unwrap().statements[0];
        assert!(fix.starts_with("CREATE STATISTICS public."), "{fix}");
        desk.apply(&found).await;
        desk.gone(JOINED);
    }
}

/// The same mistake as the loop sees it; what mends the guess below it mends the loop.
#[tokio::test]
async fn a_loop_chosen_for_a_few_rows_is_not_chosen_for_many() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-nested-loop-misestimate", version).await;
        dependent(&desk).await;
        let found = desk.found(JOINED);
        assert!(found.message.contains("runs its inner side 3,000 times"), "{}", found.message);
        let report = desk.report("plan-misestimate", JOINED);
        desk.apply(&report.findings[0]).await;
        desk.gone(JOINED);
    }
}

#[tokio::test]
async fn a_table_that_grew_is_analysed() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-stale-statistics", version).await;
        let fill = "insert into orders select n, n % 100 from generate_series(1, 20000) n";
        desk.sql("create table orders (id int, customer int)").await;
        desk.sql(fill).await;
        harness::counted(&desk.server, DATABASE, "orders").await;
        desk.sql("analyze orders").await;
        let statement = "select count(*) from orders where customer = 7";
        // Up to 14 counters arrive late.
        desk.until(CHANGED_NONE).await;
        desk.gone(statement);
        desk.sql(fill).await;
        desk.until("n_mod_since_analyze = 20000 from pg_stat_user_tables").await;
        let found = desk.found(statement);
        assert!(found.message.contains("20,000 rows changed since ANALYZE"), "{}", found.message);
        desk.apply(&found).await;
        desk.until(CHANGED_NONE).await;
        desk.gone(statement);
    }
}

const CHANGED_NONE: &str =
    "n_mod_since_analyze = 0 and last_analyze is not null from pg_stat_user_tables";

/// The rare value is found by the index, the usual one by reading the table: one plan for both serves one of them.
#[tokio::test]
async fn a_plan_without_values_is_avoided() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-generic-worse-than-custom", version).await.by_default();
        let desk = desk.limit("min_saved_cost", 100.0);
        desk.sql(
            "create table orders (id int, status text, note text); \
             insert into orders select n, case when n % 2000 = 0 then 'open' else 'done' end, repeat('x', 50) \
             from generate_series(1, 40000) n; create index on orders (status); analyze",
        )
        .await;
        let statement = "select * from orders where status = $1";
        let rare = desk.with(&["--param", "open"]);
        let found = rare.found(statement);
        assert!(found.message.contains("the generic plan"), "{}", found.message);
        rare.gone("select * from orders where id = length($1)");
        rare.apply(&found).await;
        rare.gone(statement);
    }
}
