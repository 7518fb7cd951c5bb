//! Batches on every version: answers in order, failures contained, nothing written.

use std::time::Duration;

use dbvitals_postgres::{Cell, Query, Session, Target, connect};
use dbvitals_testkit::{PgVersion, shared};

pub(crate) fn query(sql: &str) -> Query {
    Query { name: "test", sql: sql.into(), timeout: Duration::from_secs(10) }
}

pub(crate) async fn session(url: &str) -> Session {
    let target = Target::parse(url, &|_| None).unwrap();
    connect(&target, Duration::from_secs(10)).await.unwrap()
}

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
