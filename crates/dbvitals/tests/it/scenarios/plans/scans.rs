//! Tables that are read whole.

use super::{
    super::harness::{self, DATABASE},
    desk::{BOTH_ENDS, Desk},
};

#[tokio::test]
async fn a_table_read_whole_for_a_few_rows_gets_an_index() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-slow-scan", version).await;
        desk.sql(
            "create table \"Orders\" (id int, \"Customer\" int, note text); \
             insert into \"Orders\" select n, n % 500, repeat('x', 50) from generate_series(1, 50000) n; \
             analyze",
        )
        .await;
        let statement = "select id from \"Orders\" where \"Customer\" = 42";
        let found = desk.found(statement);
        assert!(found.message.contains("reads 50,000 rows to keep 100"), "{}", found.message);
        desk.gone("select id from \"Orders\" where \"Customer\" <> 42");
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// Without `ANALYZE` of the statement it is an estimate, which the catalogue's number of rows makes possible.
#[tokio::test]
async fn the_same_is_seen_before_it_is_run() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-slow-scan", version).await.without("--analyze");
        let desk = desk.limit("min_avoidable_cost", 100.0);
        desk.sql(
            "create table orders (id int, customer int); \
             insert into orders select n, n % 500 from generate_series(1, 50000) n; analyze",
        )
        .await;
        let statement = "select id from orders where customer = 42";
        let found = desk.found(statement);
        assert!(found.impact.as_ref().unwrap().contains("an estimate"), "{found:?}");
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// Nine of ten rows are deleted; the room stays.
#[tokio::test]
async fn a_bloated_table_is_written_afresh() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-bloated-scan", version).await;
        desk.sql(
            "create table visits (id int, note text); \
             insert into visits select n, repeat('x', 100) from generate_series(1, 60000) n",
        )
        .await;
        harness::vacuumed(&desk.server, DATABASE, "visits").await;
        let statement = "select count(*) from visits";
        desk.gone(statement);
        desk.sql("delete from visits where id % 10 <> 0").await;
        harness::vacuumed(&desk.server, DATABASE, "visits").await;
        let found = desk.found(statement);
        assert!(found.message.contains("pages where"), "{}", found.message);
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

#[tokio::test]
async fn a_policy_without_an_index_is_asked_for_every_row() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-row-security-first", version).await;
        desk.sql(
            "create table docs (id int, tenant int, note text); \
             insert into docs select n, n % 400, 'n' || n from generate_series(1, 40000) n; analyze docs; \
             create role web; grant select on docs to web; \
             alter table docs enable row level security; \
             create policy own on docs using (tenant = current_setting('app.tenant')::int)",
        )
        .await;
        desk.set("app.tenant", "'7'").await;
        let statement = "select id from docs where note like '%7'";
        // The superuser is under no policy.
        desk.gone(statement);
        let desk = desk.with(&["--as-role", "web"]);
        let found = desk.found(statement);
        assert!(found.message.contains("row-level security"), "{}", found.message);
        desk.apply(&found).await;
        desk.gone(statement);
    }
}

/// A policy of a function of the application's own: known by the catalogue, not by its name.
#[tokio::test]
async fn a_policy_by_an_own_function_is_known_by_the_catalogue() {
    for version in BOTH_ENDS {
        let desk = Desk::of("plan-row-security-first", version).await.with(&["--as-role", "web"]);
        desk.sql(
            "create schema app; create role web; grant usage on schema app to web; \
             create function app.tenant() returns int language plpgsql stable as 'begin return 7; end'; \
             create table app.docs (id int, tenant int); grant select on app.docs to web; \
             insert into app.docs select n, n % 400 from generate_series(1, 40000) n; analyze app.docs; \
             alter table app.docs enable row level security; \
             create policy own on app.docs using (tenant = app.tenant())",
        )
        .await;
        let statement = "select count(id) from app.docs d where d.id > 0";
        desk.found(statement);
        // As the recommendation says: the column indexed, the function in a subquery.
        desk.each(&[
            "create index on app.docs (tenant)",
            "alter policy own on app.docs using (tenant = (select app.tenant()))",
        ])
        .await;
        desk.gone(statement);
        // A filter of the statement's own is no policy.
        desk.each(&["drop index app.docs_tenant_idx", "drop policy own on app.docs"]).await;
        desk.sql("create policy all_of_it on app.docs using (true)").await;
        desk.set("app.tenant", "'7'").await;
        desk.gone(
            "select count(id) from app.docs where tenant = current_setting('app.tenant')::int",
        );
    }
}
