//! Through `PgBouncer` in transaction mode: everything works, and nothing leaks to the next client.

use dbvitals_postgres::{Target, collect::Options, pooler};
use dbvitals_testkit::{PgBouncer, PgVersion, PoolMode, Postgres};
use tokio_postgres::{Client, SimpleQueryMessage};

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
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            assert_eq!(shown, Some(wanted), "{name}");
        }
        ask(&mut first, "select count(*) from pg_class").await;
        first.close().await;
        second.close().await;
    }
}

/// A client that uses the database `postgres`, once the pooler lists that database.
///
/// A database that only the wildcard serves is put aside whenever the pooler's maintenance meets it with neither a
/// client nor a server, and a client that still logs in does not count yet. Only a login brings it back, and the client
/// that is in by then keeps it there.
async fn listed(server: &Postgres, bouncer: &PgBouncer) -> Client {
    let console = server.client_as(&bouncer.admin_url()).await.unwrap();
    let client = server.client_as(&bouncer.monitor_url("postgres")).await.unwrap();
    client.simple_query("select 1").await.unwrap();
    let is_ours = |message: &SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => row.get("name") == Some("postgres"),
        _ => false,
    };
    while !console.simple_query("show databases").await.unwrap().iter().any(is_ours) {
        server.client_as(&bouncer.monitor_url("postgres")).await.unwrap();
    }
    client
}

#[tokio::test]
async fn the_poolers_own_console_is_told_apart() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    let bouncer = PgBouncer::transaction_mode(&server).unwrap();
    let refusal = refusal(&bouncer.admin_url()).await;
    assert!(refusal.is_console(), "{refusal}");
    let target = Target::parse(&bouncer.monitor_url("pgbouncer"), &|_| None).unwrap();
    let client = listed(&server, &bouncer).await;
    let seen = pooler::collect(&target, &Options::default(), &|_| {}).await.unwrap().snapshot;
    assert_eq!(seen.version.major, 1);
    let pools = seen.pools.value().unwrap();
    assert_eq!((pools.len(), pools[0].user.as_str(), pools[0].servers()), (1, "monitor", 1));
    drop(client);
    assert_eq!(pools[0].mode.as_deref(), Some("transaction"));
    let databases = seen.databases.value().unwrap();
    assert_eq!(databases[0].port, Some(i64::from(server.port())));
    assert!(seen.config.value().unwrap().contains_key("query_wait_timeout"));
    assert!(seen.lists.value().unwrap().contains_key("used_clients"));

    let target = Target::parse(&server.monitor_url("postgres"), &|_| None).unwrap();
    let error = pooler::collect(&target, &Options::default(), &|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("not a PostgreSQL server"), "{error}");
}
