//! Every PostgreSQL version starts, answers and obeys.

use std::thread;

use dbvitals_testkit::{PgVersion, Postgres, TestkitError, shared};

const EVERY: [PgVersion; 7] = [
    PgVersion::V13,
    PgVersion::V14,
    PgVersion::V15,
    PgVersion::V16,
    PgVersion::V17,
    PgVersion::V18,
    PgVersion::Debian15,
];

#[tokio::test]
async fn every_version_starts_and_says_which_it_is() {
    for version in EVERY {
        let pg = shared(version).unwrap();
        let said = pg.scalar("postgres", "select version()").await.unwrap();
        assert!(said.starts_with(&format!("PostgreSQL {}.", version.major())), "{said}");
    }
    assert_eq!(EVERY[..6], PgVersion::ALL);
}

#[tokio::test]
async fn every_version_has_the_extensions_an_audit_reads() {
    for version in EVERY {
        let pg = shared(version).unwrap();
        let database = pg.fresh_database("extensions").await.unwrap();
        for name in
            ["pg_stat_statements", "pgstattuple", "pageinspect", "pg_buffercache", "amcheck"]
        {
            pg.sql(&database, &format!("create extension {name}")).await.unwrap();
        }
        pg.sql(&database, "select count(*) from pg_stat_statements").await.unwrap();
    }
    let debian = shared(PgVersion::Debian15).unwrap();
    let database = debian.fresh_database("hypopg").await.unwrap();
    debian.sql(&database, "create extension hypopg").await.unwrap();
}

#[tokio::test]
async fn the_monitor_role_logs_in_and_is_no_more_than_a_monitor() {
    for version in EVERY {
        let pg = shared(version).unwrap();
        let client = pg.client_as(&pg.monitor_url("postgres")).await.unwrap();
        let row = client
            .query_one(
                "select current_user::text, rolsuper or rolcreatedb or rolcreaterole \
                 or rolreplication or rolbypassrls, \
                 (select array_agg(m.roleid::regrole::text) from pg_auth_members m \
                 where m.member = r.oid) from pg_roles r where rolname = current_user",
                &[],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), "monitor");
        assert!(!row.get::<_, bool>(1));
        assert_eq!(row.get::<_, Vec<String>>(2), ["pg_monitor"]);
        let refused = pg.sql_as(&pg.monitor_url("postgres"), "create role intruder").await;
        assert_eq!(refused.unwrap_err().sqlstate(), Some("42501"));
        let wrong = pg.client_as(&pg.url("monitor", "wrong", "postgres")).await;
        assert_eq!(wrong.unwrap_err().sqlstate(), Some("28P01"));
    }
}

#[tokio::test]
async fn a_shared_server_is_one_and_its_fresh_databases_are_many() {
    let (one, other) = (shared(PgVersion::V16).unwrap(), shared(PgVersion::V16).unwrap());
    assert_eq!(one.port(), other.port());
    let first = one.fresh_database("mine").await.unwrap();
    let second = one.fresh_database("mine").await.unwrap();
    assert_ne!(first, second);
    one.sql(&first, "create table t (n int)").await.unwrap();
    let seen = one.scalar(&second, "select to_regclass('t') is null").await.unwrap();
    assert_eq!(seen, "t");
}

#[tokio::test]
async fn settings_rules_and_initdb_options_take_effect() {
    let pg = Postgres::builder(PgVersion::V13)
        .setting("work_mem", "7MB")
        .setting("cluster_name", "it's")
        .preload("auto_explain")
        .preload("pg_stat_statements")
        .hba("host all stranger 127.0.0.1/32 reject")
        .initdb("--data-checksums")
        .start()
        .unwrap();
    let shown = pg
        .rows(
            "postgres",
            "select current_setting('work_mem'), current_setting('cluster_name'), \
             current_setting('shared_preload_libraries'), current_setting('data_checksums'), \
             current_setting('fsync'), null",
        )
        .await
        .unwrap();
    let expected = ["7MB", "it's", "auto_explain,pg_stat_statements", "on", "off"];
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0][..5], expected.map(|text| Some(text.to_owned())));
    assert_eq!(shown[0][5], None);
    pg.sql("postgres", "create role stranger login password 'stranger'").await.unwrap();
    let refused = pg.client_as(&pg.url("stranger", "stranger", "postgres")).await;
    assert_eq!(refused.unwrap_err().sqlstate(), Some("28000"));
}

#[tokio::test]
async fn stopping_and_starting_keeps_port_and_data() {
    let pg = Postgres::builder(PgVersion::V14).start().unwrap();
    pg.create_database("app").await.unwrap();
    pg.sql("app", "create table t as select 1 as n").await.unwrap();
    let (port, pid) = (pg.port(), pg.pid());
    pg.stop().unwrap();
    assert_eq!(pg.pid(), None);
    assert!(pg.client("app").await.is_err());
    assert!(matches!(pg.stop(), Err(TestkitError::State(_))));
    pg.start().unwrap();
    assert!(matches!(pg.start(), Err(TestkitError::State(_))));
    assert!(pg.data_dir().join("postmaster.pid").exists());
    assert_eq!(pg.scalar("app", "select n from t").await.unwrap(), "1");
    assert_eq!(pg.port(), port);
    assert_ne!(pg.pid(), pid);
    pg.sql("postgres", "alter system set work_mem = '9MB'").await.unwrap();
    pg.reload().unwrap();
    pg.wait_until("postgres", "select current_setting('work_mem') = '9MB'").await.unwrap();
}

#[tokio::test]
async fn a_killed_server_recovers_what_was_committed() {
    let pg = Postgres::builder(PgVersion::V17).start().unwrap();
    pg.sql("postgres", "create table t as select 1 as n").await.unwrap();
    let open = pg.client("postgres").await.unwrap();
    open.batch_execute("begin; insert into t values (2)").await.unwrap();
    pg.kill().unwrap();
    assert!(open.batch_execute("commit").await.is_err());
    pg.start().unwrap();
    assert_eq!(pg.scalar("postgres", "select sum(n) from t").await.unwrap(), "1");
    assert!(pg.log_text().contains("not properly shut down"), "{}", pg.log_text());
}

#[tokio::test]
async fn an_archiving_server_archives() {
    let pg = Postgres::builder(PgVersion::V15).archive().start().unwrap();
    pg.sql("postgres", "create table t (); select pg_switch_wal()").await.unwrap();
    let archived = "select archived_count > 0 from pg_stat_archiver";
    pg.wait_until("postgres", archived).await.unwrap();
    assert!(pg.archive_dir().read_dir().unwrap().count() > 0);
}

#[test]
fn servers_started_at_once_do_not_disturb_each_other() {
    let start = || Postgres::builder(PgVersion::V16).start().unwrap();
    let starting: Vec<_> = (0..4).map(|_| thread::spawn(start)).collect();
    let servers: Vec<_> = starting.into_iter().map(|thread| thread.join().unwrap()).collect();
    let mut ports: Vec<_> = servers.iter().map(Postgres::port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 4);
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let refused = Postgres::builder(PgVersion::V18).setting("work_mem", "much").start();
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("work_mem"), "{message}");
}
