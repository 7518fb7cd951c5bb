//! Schemas as they should not be, and the statements that mend them.

use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::Trial;

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

/// Check and condition; the finding's own statements mend it.
const MENDED: [(&str, &str); 7] = [
    (
        "pg-column-type-json",
        "create table a (body json, \"User\" json); insert into a values ('{}', '[1]')",
    ),
    ("pg-column-type-money", "create table b (price money); insert into b values ('12.50')"),
    ("pg-column-type-char-n", "create table c (code char(10)); insert into c values ('x')"),
    (
        "pg-column-type-timestamp-without-time-zone",
        "create table d (at timestamp); insert into d values (now())",
    ),
    (
        "pg-not-valid-constraint",
        "create table e (n int); insert into e values (1); \
         alter table e add constraint \"Positive\" check (n > 0) not valid",
    ),
    (
        "pg-trigger-disabled",
        "create table f (id int primary key); create table g (f_id int references f); \
         create function noop() returns trigger language plpgsql as 'begin return new; end'; \
         create trigger audit before update on g for each row execute function noop(); \
         alter table g disable trigger all",
    ),
    (
        "pg-rls-policy-without-index",
        "create table h (tenant int); insert into h select i from generate_series(1, 20000) i; \
         alter table h enable row level security; \
         create policy own on h using (tenant = current_setting('app.tenant', true)::int); analyze h",
    ),
];

#[tokio::test]
async fn schemas_are_mended() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let mut trial = Trial::of("pg-column-type-json", server).await;
        for (check, condition) in MENDED {
            trial = trial.then(check);
            trial.gone().await;
            trial.sql(condition).await;
            let found = trial.found().await;
            trial.apply(&found).await;
            trial.gone().await;
        }
    }
}

/// Check, condition, and what a person does about it.
const BY_HAND: [(&str, &str, &str); 7] = [
    (
        "pg-nested-views",
        "create table base (id int); create view v1 as select id from base; \
         create view v2 as select id from v1; create view v3 as select id from v2; \
         create view v4 as select v3.id from v3 join v1 using (id)",
        "create or replace view v4 as select base.id from base",
    ),
    ("pg-column-type-serial", "create table a (id serial)", "drop table a"),
    ("pg-name-needs-quoting", "create table \"Order\" (\"from\" int)", "drop table \"Order\""),
    (
        "pg-nullable-unique-key",
        "create table b (x int, y int, unique (x, y)); insert into b values (1, null), (1, null)",
        "drop table b",
    ),
    (
        "pg-inheritance-legacy",
        "create table c (id int); create table d () inherits (c)",
        "drop table c cascade",
    ),
    (
        "pg-rls-policy-volatile",
        "create table e (id int); alter table e enable row level security; \
         create function whoami() returns int language sql volatile as 'select 1'; \
         create policy own on e using (id = whoami())",
        "alter function whoami() stable",
    ),
    (
        "pg-wide-table",
        "do $$ begin execute 'create table f (' || (select string_agg('c' || i || ' int', ', ') \
         from generate_series(1, 201) i) || ')'; end $$",
        "alter table f drop column c1",
    ),
];

/// Kinds of types that a join converts, as long as they differ.
#[tokio::test]
async fn columns_that_are_compared_get_one_type() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).preload("pg_stat_statements").start().unwrap();
        let trial = Trial::of("pg-mixed-type-column", server).await.with_statements().await;
        let trial = trial.by_superuser();
        trial
            .sql(
                "create table customers (customer_id int primary key); \
                 create table \"Bills\" (customer_id text); \
                 insert into customers select generate_series(1, 100); \
                 insert into \"Bills\" select customer_id from customers",
            )
            .await;
        trial.gone().await;
        trial
            .sql(
                "select count(*) from customers c join \"Bills\" b \
                 on c.customer_id::text = b.customer_id",
            )
            .await;
        let found = trial.found().await;
        assert!(found.message.contains("customers.customer_id integer"), "{}", found.message);
        trial.sql("alter table \"Bills\" alter customer_id type int using customer_id::int").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn what_a_person_changes_is_no_longer_found() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let mut trial = Trial::of("pg-column-type-serial", server).await;
        for (check, condition, cure) in BY_HAND {
            trial = trial.then(check);
            trial.gone().await;
            trial.sql(condition).await;
            trial.found().await;
            trial.sql(cure).await;
            trial.gone().await;
        }
    }
}
