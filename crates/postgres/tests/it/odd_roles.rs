//! Whatever is set for the role or the database has no effect on what is read.

use dbvitals_postgres::Cell;
use dbvitals_testkit::{PgVersion, Postgres};

use crate::support::{ask, query, session, text};

const ODD: &[(&str, &str)] = &[
    ("datestyle", "'SQL, DMY'"),
    ("intervalstyle", "'sql_standard'"),
    ("timezone", "'Asia/Kathmandu'"),
    ("search_path", "'trap, pg_catalog'"),
    ("default_transaction_isolation", "'serializable'"),
    ("default_transaction_deferrable", "on"),
    ("default_transaction_read_only", "off"),
    ("statement_timeout", "1"),
    ("lock_timeout", "1"),
    ("idle_in_transaction_session_timeout", "1"),
    ("extra_float_digits", "-15"),
    ("bytea_output", "'escape'"),
    ("client_min_messages", "'debug5'"),
    ("jit_above_cost", "0"),
    ("standard_conforming_strings", "off"),
    ("quote_all_identifiers", "on"),
    ("row_security", "off"),
];

#[tokio::test]
async fn odd_settings_change_nothing() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        let mut odd: Vec<(&str, &str)> = ODD.to_vec();
        if version.major() >= 17 {
            // It ends the session, so it must outlast the login on a busy machine; the queries outlast it.
            odd.push(("transaction_timeout", "500"));
        }
        server
            .sql(
                "postgres",
                "create schema trap; grant usage on schema trap to public; \
                 create view trap.pg_class as select 'trap'::text as relname; \
                 grant select on trap.pg_class to public",
            )
            .await
            .unwrap();
        for (name, value) in odd {
            let sql = format!("alter role monitor set {name} = {value}");
            server.sql("postgres", &sql).await.unwrap();
        }
        let mut session = session(&server.monitor_url("postgres")).await;
        let seen = session.probe().await.unwrap();
        assert_eq!(seen.version.major, version.major());
        let sleep = "select pg_sleep(0.3) is null as slept";
        let slept = session.batch(&[query(sleep), query(sleep)]).await;
        assert!(slept.iter().all(|answer| answer.result.is_ok()), "no limit but ours holds");
        for _ in 0..20 {
            let table = ask(
                &mut session,
                "select timestamptz '2024-01-02 03:04:05+00' as at, 0.1::float8 as tenth, \
                 count(*) > 100 as whole, pg_sleep(0.02)::text as slept from pg_class",
            )
            .await;
            let at = Cell::Time("2024-01-02T03:04:05Z".parse().unwrap());
            assert_eq!(table.rows[0][..3], [at, Cell::Float(0.1), Cell::Bool(true)]);
        }
        let isolation = "current_setting('transaction_isolation')";
        assert_eq!(text(&mut session, isolation).await, "read committed");
        let answers = session.batch(&[query("create temp table t (n int)")]).await;
        assert_eq!(answers[0].result.as_ref().unwrap_err().sqlstate(), Some("25006"));
        let own = "select reset_val from pg_settings where name = 'statement_timeout'";
        let table = ask(&mut session, own).await;
        assert_eq!(table.rows, [[Cell::Text("1".into())]], "what a new session gets stays visible");
        session.close().await;
    }
}
