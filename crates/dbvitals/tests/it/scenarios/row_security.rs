//! What row-level security costs, and how it is made to cost less.

use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::Trial;

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

#[tokio::test]
async fn a_slow_policy_function_is_called_once() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-rls-slow", server).await;
        trial
            .sql(
                "create table notes (owner text); insert into notes select 'web' from generate_series(1, 20); \
                 create role web; grant select on notes to web; \
                 create function who() returns text language plpgsql volatile as \
                 'begin perform pg_sleep(0.012); return current_user; end'; \
                 alter table notes enable row level security; \
                 create policy own on notes using (owner = who())",
            )
            .await;
        let skipped = trial.skipped().await;
        let remedy = skipped.remedy.unwrap();
        for statement in remedy.split_inclusive(';') {
            trial.sql(statement).await;
        }
        trial.until("current_setting('track_functions') = 'all'").await;
        trial.sql("set role web; select count(*) from notes").await;
        trial.until("exists (select from pg_stat_user_functions where calls >= 20)").await;
        let found = trial.found().await;
        assert!(found.message.contains("per evaluation"), "{}", found.message);
        trial
            .sql("alter policy own on notes using (owner = (select who())); select pg_stat_reset()")
            .await;
        trial.sql("set role web; select count(*) from notes").await;
        trial.until("exists (select from pg_stat_user_functions where calls = 1)").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_policy_that_asks_for_every_row_asks_once() {
    for version in PgVersion::ALL {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-rls-function-per-row", server).await.limit("min_rows", 100.0);
        trial
            .sql(
                "create schema auth; create function auth.uid() returns int language sql stable as 'select 7'; \
                 create table \"No tes\" (owner int, tenant int); insert into \"No tes\" select n, n from generate_series(1, 200) n; \
                 alter table \"No tes\" enable row level security; \
                 create policy \"my own\" on \"No tes\" using (owner = auth.uid() or tenant = current_setting('app.tenant', true)::int); \
                 analyze",
            )
            .await;
        let found = trial.found().await;
        assert!(found.message.contains("auth.uid, current_setting"), "{}", found.message);
        trial.apply(&found).await;
        trial.gone().await;
        for statement in &found.fix.as_ref().unwrap().undo {
            trial.sql(statement).await;
        }
        trial.found().await;
    }
}

#[tokio::test]
async fn an_index_no_policy_lets_through_is_told() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-rls-index-not-leakproof", server)
            .await
            .limit("min_rows", 100.0)
            .limit("min_statistics_age_days", 0.0);
        trial
            .sql(
                "create table papers (tenant int, words tsvector); create role reader; grant select on papers to reader; \
                 insert into papers select n % 5, to_tsvector('simple', 'word' || n) from generate_series(1, 20000) n; \
                 create index by_tenant on papers (tenant); \
                 create index by_words on papers using gin (words); \
                 alter table papers enable row level security; \
                 create policy own on papers using (tenant = 1); analyze",
            )
            .await;
        // The server itself says so: with the policy the index is not used, without it is.
        let plan = "explain select * from papers where words @@ 'word77'";
        let guarded = trial.plan(&format!("set role reader; {plan}")).await;
        assert!(!guarded.contains("by_words"), "{guarded}");
        assert!(trial.plan(plan).await.contains("by_words"));
        let found = trial.found().await;
        assert!(found.message.contains("by_words on words cannot serve"), "{}", found.message);
        trial.sql("drop policy own on papers; alter table papers disable row level security").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn many_permissive_policies_become_one() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial =
            Trial::of("pg-rls-multiple-permissive-policies", server).await.limit("min_rows", 100.0);
        let one = |n: usize| format!("create policy p{n} on t using (a = {n});");
        trial
            .sql(&format!(
                "create table t (a int); insert into t select n from generate_series(1, 200) n; analyze t; \
                 alter table t enable row level security; {}",
                super::harness::each(3, one)
            ))
            .await;
        trial.gone().await;
        trial.sql("create policy last on t for update using (a = 9)").await;
        trial.found().await;
        trial.sql("drop policy last on t; alter policy p0 on t using (a in (0, 9))").await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn a_volatile_function_in_a_subquery_of_its_own_is_fine() {
    let server = Postgres::builder(PgVersion::NEWEST).start().unwrap();
    let trial = Trial::of("pg-rls-policy-volatile", server).await;
    trial
        .sql(
            "create table e (id int); alter table e enable row level security; \
             create function whoami() returns int language sql volatile as 'select 1'; \
             create policy own on e using (id = whoami())",
        )
        .await;
    trial.found().await;
    trial.sql("alter policy own on e using (id = (select whoami()))").await;
    trial.gone().await;
}

#[tokio::test]
async fn policies_that_join_help_themselves_and_are_for_everyone_are_told_by_an_audit() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let trial = Trial::of("pg-rls-join-in-policy", server).await.limit("min_rows", 100.0);
        trial
            .sql(
                "create table docs (id int, team int); insert into docs select n, n from generate_series(1, 200) n; \
                 create table members (team int, who int); create table people (id int, login name); \
                 create function may_see(int) returns bool language sql stable security definer set search_path = pg_catalog \
                 as 'select $1 > 0'; \
                 create role batch; alter table docs enable row level security; \
                 create policy joined on docs to batch using (team in \
                 (select m.team from members m join people p on p.id = m.who where p.login = current_user)); \
                 create policy helped on docs to batch using (may_see(team)); \
                 create policy everyone on docs using (team = 3); analyze",
            )
            .await;
        let found = trial.found().await;
        assert!(found.message.contains("policy joined"), "{}", found.message);
        trial
            .sql(
                "alter policy joined on docs using (team in (select m.team from members m where m.who = 1))",
            )
            .await;
        trial.gone().await;
        let trial = trial.then("pg-rls-security-definer-helper").limit("min_rows", 100.0);
        let found = trial.found().await;
        assert!(found.message.contains("calls public.may_see for every row"), "{}", found.message);
        trial
            .sql("alter function may_see(int) security invoker; alter function may_see(int) reset all")
            .await;
        trial.gone().await;
        let trial = trial.then("pg-rls-policy-for-everyone").limit("min_rows", 100.0);
        let found = trial.found().await;
        assert!(found.message.contains("also put to batch"), "{}", found.message);
        trial.sql("create role staff; alter policy everyone on docs to staff").await;
        trial.gone().await;
        // What plans tell is looked into on request.
        let trial = trial.then("pg-rls-subplan-per-row");
        assert_eq!(trial.skipped().await.remedy.as_deref(), Some("dbvitals query rls"));
        trial.sql("drop policy joined on docs; drop policy helped on docs; drop policy everyone on docs").await;
        trial.gone().await;
    }
}
