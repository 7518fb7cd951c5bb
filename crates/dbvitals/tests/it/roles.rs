//! The role that audits: its settings have no effect, and its looking leaves no trace.

use std::collections::BTreeSet;

use dbvitals_testkit::{PgBouncer, PgVersion, Postgres};
use serde_json::Value;

use crate::run::{audit, broken, list, text};

const ODD: &str = "\
alter role odd set datestyle = 'SQL, DMY'; alter role odd set intervalstyle = 'sql_standard'; \
alter role odd set timezone = 'Asia/Kathmandu'; alter role odd set search_path = 'trap, pg_catalog'; \
alter role odd set statement_timeout = 1; alter role odd set lock_timeout = 1; \
alter role odd set idle_in_transaction_session_timeout = 1; \
alter role odd set extra_float_digits = -15; alter role odd set bytea_output = 'escape'; \
alter role odd set client_min_messages = 'debug5'; alter role odd set row_security = off; \
alter role odd set standard_conforming_strings = off; alter role odd set lc_messages = 'C'; \
alter role odd set quote_all_identifiers = on; alter role odd set work_mem = '64kB'; \
alter role odd set default_transaction_isolation = 'serializable'; \
create schema trap; grant usage on schema trap to public; \
create view trap.pg_class as select 'trap'::text as relname; grant select on trap.pg_class to public; \
create view trap.pg_settings as select 'trap'::text as name; grant select on trap.pg_settings to public";

/// What was examined and what was found, without numbers and without how fast this machine connects.
fn gist(report: &Value) -> BTreeSet<String> {
    let of = |pointer: &str, fields: &[&str]| -> Vec<String> {
        let name = |v: &Value| fields.iter().map(|f| text(v, f)).collect::<Vec<_>>().join(" ");
        list(report, pointer).iter().map(|v| format!("{pointer} {}", name(v))).collect()
    };
    [
        of("/coverage/checked", &["/check", "/target"]),
        of("/coverage/skipped", &["/check", "/target", "/part", "/class"]),
        of("/findings", &["/check", "/subject/kind", "/subject/name", "/severity"]),
    ]
    .concat()
    .into_iter()
    .filter(|line| !line.starts_with("/findings pg-connection-latency"))
    .collect()
}

#[tokio::test]
async fn settings_of_the_role_have_no_effect() {
    let server = Postgres::builder(PgVersion::V18).setting("autovacuum", "off").start().unwrap();
    let roles = "create role plain login password 'p' in role pg_monitor; \
                 create role odd login password 'p' in role pg_monitor";
    server.sql("postgres", roles).await.unwrap();
    server.sql("postgres", ODD).await.unwrap();
    let look = |user: &str| {
        let url = format!("server={}", server.url(user, "p", "postgres"));
        audit(&[&url, "--only", "pg-*"]).ended(&[0]).json()
    };
    look("plain");
    let (plain, odd) = (look("plain"), look("odd"));
    assert!(gist(&plain).len() > 60, "{plain}");
    let own = |gist: BTreeSet<String>, user: &str| -> BTreeSet<String> {
        gist.into_iter().map(|line| line.replace(user, "me")).collect()
    };
    assert_eq!(own(gist(&plain), "plain"), own(gist(&odd), "odd"));
}

#[tokio::test]
async fn an_audit_assigns_no_transaction_and_writes_no_wal() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version)
            .preload("pg_stat_statements")
            .setting("autovacuum", "off")
            .setting("checkpoint_timeout", "1d")
            .setting("wal_level", "minimal")
            .setting("max_wal_senders", "0")
            .start()
            .unwrap();
        let make = "create extension pg_stat_statements; create table t (id int primary key, b text); \
                    insert into t select g, 'x' from generate_series(1, 1000) g";
        server.sql("postgres", make).await.unwrap();
        server.sql("postgres", "vacuum (freeze, analyze)").await.unwrap();
        server.sql("postgres", "checkpoint").await.unwrap();
        let look = || audit(&[&server.monitor_url("postgres"), "--interval", "1s"]).ended(&[0]);
        // Whoever reads a page first marks its rows as committed; that belongs to whoever wrote them.
        look();
        let state = "select pg_current_wal_insert_lsn() || ' ' || \
                     pg_snapshot_xmax(pg_current_snapshot())";
        server.scalar("postgres", state).await.unwrap();
        let before = server.scalar("postgres", state).await.unwrap();
        let report = look().json();
        assert!(broken(&report).is_empty(), "{report}");
        assert_eq!(server.scalar("postgres", state).await.unwrap(), before, "{version}");
    }
}

#[tokio::test]
async fn through_a_pooler_that_shares_sessions() {
    let server = Postgres::builder(PgVersion::V17).preload("pg_stat_statements").start().unwrap();
    server.sql("postgres", "create extension pg_stat_statements").await.unwrap();
    server.create_database("app").await.unwrap();
    let pooler = PgBouncer::transaction_mode(&server).unwrap();
    let straight = format!("server={}", server.monitor_url("app"));
    let pooled = format!("server={}", pooler.monitor_url("app"));
    let look = |url: &str| audit(&[url, "--only", "pg-*"]).ended(&[0]).json();
    let (straight, pooled) = (look(&straight), look(&pooled));
    assert!(broken(&pooled).is_empty(), "{pooled}");
    let checked = |report: &Value| list(report, "/coverage/checked").len();
    assert!(checked(&pooled) > 60 && checked(&pooled) == checked(&straight), "{pooled}");
}
