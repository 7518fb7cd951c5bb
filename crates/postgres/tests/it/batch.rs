//! Batches on every version: answers in order, failures contained, foreign bytes, limits.

use std::time::{Duration, Instant};

use dbvitals_postgres::{Cell, Query};
use dbvitals_testkit::{PgVersion, shared};

use crate::support::{ask, query, session};

#[tokio::test]
async fn answers_come_in_order_and_failures_are_contained() {
    for version in PgVersion::ALL {
        let server = shared(version).unwrap();
        let mut session = session(&server.monitor_url("postgres")).await;
        let answers = session
            .batch(&[
                query("select 1 as n"),
                query("select 1 / 0"),
                query("select pg_current_xact_id_if_assigned()::text as xid, 2 as n"),
                query("select * from pg_authid"),
                query("create table t (n int)"),
                query("select array['a', null, 'b'] as names, now() as at, 'x'::name as name"),
            ])
            .await;
        assert_eq!(answers[0].result.as_ref().unwrap().rows, [[Cell::Int(1)]]);
        assert_eq!(answers[1].result.as_ref().unwrap_err().sqlstate(), Some("22012"));
        assert_eq!(answers[2].result.as_ref().unwrap().rows, [[Cell::Null, Cell::Int(2)]]);
        assert!(answers[3].result.as_ref().unwrap_err().is_permission());
        assert_eq!(answers[4].result.as_ref().unwrap_err().sqlstate(), Some("25006"));
        let last = answers[5].result.as_ref().unwrap();
        assert_eq!(last.columns, ["names", "at", "name"]);
        assert!(matches!(last.rows[0][1], Cell::Time(_)));
        assert!(answers[0].bytes > 0 && answers[0].rows == 1 && answers[1].rows == 0);
        session.close().await;
    }
}

#[tokio::test]
async fn every_type_a_collector_may_name_is_read() {
    let server = shared(PgVersion::NEWEST).unwrap();
    let mut session = session(&server.monitor_url("postgres")).await;
    let sql = "select true as a, 1::int2 as b, 2::int4 as c, 3::int8 as d, 4::oid as e, \
               1.5::float4 as f, 2.5::float8 as g, 12.25::numeric as h, 't'::text as i, \
               'v'::varchar as j, 'b'::bpchar as k, 'c'::\"char\" as l, '0/16B3748'::pg_lsn as m, \
               'infinity'::timestamptz as n, '2024-01-02 03:04:05+00'::timestamptz as o, \
               array[1, 2]::int8[] as p, array[true] as q, array[1.5]::float4[] as r, \
               'pg_class'::regclass as s, '7'::xid as t, '{\"k\": 1}'::json as u, -0.001::numeric as v";
    let table = ask(&mut session, sql).await;
    let text = |text: &str| Cell::Text(text.into());
    let wanted = [
        Cell::Bool(true),
        Cell::Int(1),
        Cell::Int(2),
        Cell::Int(3),
        Cell::Int(4),
        Cell::Float(1.5),
        Cell::Float(2.5),
        Cell::Float(12.25),
        text("t"),
        text("v"),
        text("b"),
        text("c"),
        text("0/16B3748"),
        Cell::Null,
        Cell::Time("2024-01-02T03:04:05Z".parse().unwrap()),
        Cell::Array(vec![Cell::Int(1), Cell::Int(2)]),
        Cell::Array(vec![Cell::Bool(true)]),
        Cell::Array(vec![Cell::Float(1.5)]),
        Cell::Int(1259),
        Cell::Int(7),
        text("{\"k\": 1}"),
        Cell::Float(-0.001),
    ];
    assert_eq!(table.rows[0], wanted);
    session.close().await;
}

#[tokio::test]
async fn a_column_that_cannot_be_read_is_named_and_harms_nothing_else() {
    let server = shared(PgVersion::NEWEST).unwrap();
    let mut session = session(&server.monitor_url("postgres")).await;
    let answers = session
        .batch(&[
            query("select g, point(1, 2) as p from generate_series(1, 9) g"),
            query("select 1"),
        ])
        .await;
    let why = answers[0].result.as_ref().unwrap_err().to_string();
    assert!(why.contains("column p") && why.contains("point"), "{why}");
    assert!(answers[1].result.is_ok());
    session.close().await;
}

#[tokio::test]
async fn bytes_of_another_encoding_are_no_obstacle() {
    let server = shared(PgVersion::NEWEST).unwrap();
    let sql =
        "create database ascii encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0";
    server.sql("postgres", sql).await.unwrap();
    let fill = "do $$ begin execute convert_from('\\x637265617465207461626c6520636166e92028782074657874293b\
                696e7365727420696e746f20636166e92076616c756573202827e9e827293b'::bytea, 'SQL_ASCII'); end $$";
    server.sql("ascii", fill).await.unwrap();
    let mut session = session(&server.superuser_url("ascii")).await;
    let table = ask(&mut session, "select relname from pg_class where relname like 'caf%'").await;
    assert_eq!(table.rows, [[Cell::Text("caf\u{fffd}".into())]]);
    let answers = session
        .batch(&[
            query("do $$ begin raise exception '%', chr(233); end $$"),
            query("select relname from pg_stat_user_tables"),
            query("select setting from pg_settings where name = 'server_encoding'"),
        ])
        .await;
    assert_eq!(answers[0].result.as_ref().unwrap_err().sqlstate(), Some("P0001"));
    assert!(answers[1].result.is_ok());
    assert_eq!(answers[2].result.as_ref().unwrap().rows, [[Cell::Text("SQL_ASCII".into())]]);
    session.close().await;
    server.sql("postgres", "drop database ascii with (force)").await.unwrap();
}

#[tokio::test]
async fn each_query_has_its_own_limit() {
    let server = shared(PgVersion::OLDEST).unwrap();
    let mut session = session(&server.monitor_url("postgres")).await;
    let limit = |sql: &str, millis| Query {
        name: "test",
        sql: sql.into(),
        timeout: Duration::from_millis(millis),
    };
    let shown = "select setting from pg_settings where name = 'statement_timeout'";
    let answers = session
        .batch(&[
            limit(shown, 7000),
            limit("select pg_sleep(60)", 50),
            limit(shown, 9000),
            limit(shown, 7000),
        ])
        .await;
    assert_eq!(answers[0].result.as_ref().unwrap().rows, [[Cell::Text("7000".into())]]);
    let why = answers[1].result.as_ref().unwrap_err();
    assert!(why.is_timeout() && why.sqlstate() == Some("57014"));
    // Which answer a wait is booked under depends on when we look; that all of it is booked does not.
    let booked: f64 = answers.iter().map(|answer| answer.elapsed_ms).sum();
    assert!(booked >= 50.0, "{booked}");
    assert_eq!(answers[2].result.as_ref().unwrap().rows, [[Cell::Text("9000".into())]]);
    assert_eq!(answers[3].result.as_ref().unwrap().rows, [[Cell::Text("7000".into())]]);
    session.close().await;
}

#[tokio::test]
async fn locks_are_not_waited_for() {
    let server = shared(PgVersion::V16).unwrap();
    let database = server.fresh_database("locked").await.unwrap();
    server.sql(&database, "create table t (n int); grant select on t to public").await.unwrap();
    let holder = server.client(&database).await.unwrap();
    holder.batch_execute("begin; lock table t in access exclusive mode").await.unwrap();
    let mut session = session(&server.monitor_url(&database)).await;
    let answers = session.batch(&[query("select * from public.t"), query("select 1")]).await;
    assert!(answers[0].result.as_ref().unwrap_err().is_locked());
    assert!(answers[1].result.is_ok());
    session.close().await;
}

#[tokio::test]
async fn large_answers_do_not_block_the_pipe() {
    let server = shared(PgVersion::V17).unwrap();
    let mut session = session(&server.monitor_url("postgres")).await;
    let wide = "select g, repeat('x', 1000) as filler from generate_series(1, 20000) g";
    let queries: Vec<Query> = (0..4).map(|_| query(wide)).collect();
    let answers = session.batch(&queries).await;
    for answer in &answers {
        assert_eq!((answer.rows, answer.bytes > 20_000_000), (20_000, true));
        assert!(answer.result.is_ok());
    }
    session.close().await;
}

#[tokio::test]
async fn what_comes_after_the_end_of_all_time_is_not_run() {
    let server = shared(PgVersion::V13).unwrap();
    let mut session = session(&server.monitor_url("postgres")).await;
    // Their own limits would let them go on for a minute.
    let long = || query("select pg_sleep(20) is null as slept");
    let deadline = Some(Instant::now() + Duration::from_secs(2));
    let asked = [query("select 1 as one"), long(), long(), long()];
    let answers = session.batch_until(&asked, deadline).await;
    assert!(answers[0].result.is_ok(), "{:?}", answers[0]);
    for answer in &answers[1..] {
        assert!(answer.result.as_ref().unwrap_err().is_out_of_time(), "{answer:?}");
    }
    let late = session.batch_until(&[query("select 1 as one")], Some(Instant::now())).await;
    assert!(late[0].result.as_ref().unwrap_err().is_out_of_time());
    assert!(
        session.batch(&[query("select 1 as one")]).await[0].result.is_ok(),
        "it is of use still"
    );
    session.close().await;
}
