//! Through `PgBouncer` in transaction mode: everything works, and nothing leaks to the next client.

use dbvitals_testkit::{PgBouncer, PgVersion, PoolMode, Postgres};

use crate::support::{ask, query, refusal, session, text};

#[tokio::test]
async fn transaction_mode_is_no_obstacle_and_nothing_leaks() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        let settings = [("default_pool_size", "1")];
        let pooler = PgBouncer::start(&server, PoolMode::Transaction, &settings).unwrap();
        let mut first = session(&pooler.monitor_url("postgres")).await;
        let mut second = session(&pooler.monitor_url("postgres")).await;
        let seen = first.probe().await.unwrap();
        assert!(seen.pooler.is_some());
        assert_eq!(seen.version.major, version.major());
        for _ in 0..10 {
            let answers =
                first.batch(&[query("select 1"), query("select 1 / 0"), query("select 2")]).await;
            assert!(answers[0].result.is_ok() && answers[2].result.is_ok());
            let pid = text(&mut second, "pg_backend_pid()").await;
            assert_eq!(pid, seen.own_pids[0].to_string(), "both share one server connection");
        }
        let other = server.client_as(&pooler.monitor_url("postgres")).await.unwrap();
        for (name, wanted) in [
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("search_path", "\"$user\", public"),
            ("transaction_read_only", "off"),
            ("jit", "on"),
        ] {
            let messages = other.simple_query(&format!("show {name}")).await.unwrap();
            let shown = messages.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            assert_eq!(shown, Some(wanted), "{name}");
        }
        ask(&mut first, "select count(*) from pg_class").await;
        first.close().await;
        second.close().await;
    }
}

#[tokio::test]
async fn the_poolers_own_console_is_told_apart() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    let pooler = PgBouncer::transaction_mode(&server).unwrap();
    let why = refusal(&pooler.admin_url()).await.unavailable();
    assert!(why.detail.contains("PgBouncer's own console"), "{why:?}");
}
