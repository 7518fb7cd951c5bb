//! Reading leaves no trace: no transaction id, no WAL, on an otherwise idle server.

use dbvitals_testkit::{PgVersion, Postgres};

use crate::support::{ask, query, session};

#[tokio::test]
async fn no_transaction_id_and_no_wal() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        // Nothing but us may write: no autovacuum, and no background writing of snapshots or checkpoints.
        let server = Postgres::builder(version)
            .setting("autovacuum", "off")
            .setting("checkpoint_timeout", "1d")
            .setting("wal_level", "minimal")
            .setting("max_wal_senders", "0")
            .start()
            .unwrap();
        server.sql("postgres", "checkpoint").await.unwrap();
        // Opening the superuser's own sessions may set hint bits once; the second look is on clean pages.
        let state = "select pg_current_wal_insert_lsn() || ' ' || \
                     pg_snapshot_xmax(pg_current_snapshot())";
        server.scalar("postgres", state).await.unwrap();
        let mut session = session(&server.monitor_url("postgres")).await;
        session.probe().await.unwrap();
        let before = server.scalar("postgres", state).await.unwrap();
        for _ in 0..5 {
            session.probe().await.unwrap();
            session.databases(&|_| true).await.unwrap();
            let failing = [query("select 1 / 0"), query("create temp table t (n int)")];
            assert!(session.batch(&failing).await.iter().all(|answer| answer.result.is_err()));
        }
        let assigned = "select pg_current_xact_id_if_assigned()::text as xid";
        let table = ask(&mut session, assigned).await;
        assert_eq!(table.rows, [[dbvitals_postgres::Cell::Null]]);
        session.close().await;
        assert_eq!(server.scalar("postgres", state).await.unwrap(), before, "{version}");
    }
}
