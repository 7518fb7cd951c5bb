//! Queues at a real pooler: the condition, the finding, the way out, silence.

use std::{fs, path::PathBuf};

use dbvitals_testkit::{PgBouncer, PgVersion, PoolMode, Postgres};
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::run::{at, audit, findings, list, text};

/// A server with a pooler before it, and what is looked for at them.
struct Trial {
    server: Postgres,
    pooler: PgBouncer,
    check: &'static str,
    config: PathBuf,
}

impl Trial {
    fn of(check: &'static str, settings: &[(&str, &str)], limits: &str) -> Self {
        let server = Postgres::builder(PgVersion::V16).start().unwrap();
        let pooler = PgBouncer::start(&server, PoolMode::Transaction, settings).unwrap();
        let name = format!("pooler-{check}.toml");
        let config = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&config, format!("[checks.{check}]\nenabled = true\n{limits}\n")).unwrap();
        Self { server, pooler, check, config }
    }

    fn report(&self, more: &[&str]) -> Value {
        let url = format!("pool={}", self.pooler.monitor_url("pgbouncer"));
        let arguments = [&url, "--config", at(&self.config)];
        audit(&[&arguments[..], more].concat()).ended(&[0]).json()
    }

    /// The messages of the check's findings, which must have run.
    fn found(&self, more: &[&str]) -> Vec<String> {
        let report = self.report(more);
        let ran = list(&report, "/coverage/checked").iter();
        assert_eq!(ran.filter(|one| text(one, "/check") == self.check).count(), 1, "{report:#}");
        let found = findings(&report, self.check);
        found.iter().map(|finding| text(finding, "/message").to_owned()).collect()
    }

    async fn client(&self) -> Client {
        self.server.client_as(&self.pooler.url("postgres")).await.unwrap()
    }

    async fn console(&self) -> Client {
        self.server.client_as(&self.pooler.admin_url()).await.unwrap()
    }

    /// Waits until the pool of our database has so many clients in its queue, for at least so long.
    async fn until_queued(&self, clients: usize, micros: u64) {
        let console = self.console().await;
        loop {
            let rows = console.simple_query("show pools").await.unwrap();
            let queued = rows.iter().any(|row| match row {
                SimpleQueryMessage::Row(row) => {
                    let number = |name| row.get(name).unwrap().parse::<u64>().unwrap();
                    row.get("database") == Some("postgres")
                        && number("cl_waiting") >= clients as u64
                        && number("maxwait") * 1_000_000 + number("maxwait_us") >= micros
                }
                _ => false,
            });
            if queued {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn clients_that_wait_for_the_one_connection_are_told() {
    let limits = "warning_seconds = 0.05";
    let trial = Trial::of("pg-pooler-waiting", &[("default_pool_size", "1")], limits);
    assert_eq!(trial.found(&[]), Vec::<String>::new());
    let (holder, waiter) = (trial.client().await, trial.client().await);
    holder.batch_execute("begin; select 1").await.unwrap();
    let waiting = tokio::spawn(async move { waiter.batch_execute("select 2").await });
    trial.until_queued(1, 60_000).await;
    let found = trial.found(&[]);
    assert!(found[0].starts_with("clients of pool postgres (postgres) waited"), "{found:?}");
    assert!(found[0].ends_with("all 1 server connections are in use"), "{found:?}");
    let exhausted = Trial { check: "pg-pooler-exhausted", ..trial };
    let found = exhausted.found(&[]);
    assert!(found[0].ends_with("has all 1 server connections in use and 1 clients in the queue"));
    let found = exhausted.found(&["--interval", "1s"]);
    assert_eq!(found.len(), 1, "watched: {found:?}");
    holder.batch_execute("commit").await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(exhausted.found(&[]), Vec::<String>::new());
    let report = exhausted.report(&["--interval", "1s"]);
    assert_eq!(findings(&report, "pg-pooler-waiting"), Vec::<&Value>::new());
    let sections = list(&report, "/coverage/sections");
    let queue = sections.iter().find(|section| text(section, "/section") == "queue").unwrap();
    assert_eq!(queue["collected"], true);
}

#[tokio::test]
async fn a_server_that_lets_nobody_in_is_told() {
    let trial = Trial::of("pg-pooler-no-server", &[], "min_wait_seconds = 0.05");
    let client = trial.client().await;
    client.batch_execute("select 1").await.unwrap();
    // Its one connection is given up, and no other one can be made.
    trial.console().await.simple_query("reconnect postgres").await.unwrap();
    let gone = "select count(*) = 1 from pg_stat_activity where datname is not null";
    trial.server.wait_until("postgres", gone).await.unwrap();
    trial.server.freeze().unwrap();
    let waiting = tokio::spawn(async move { client.batch_execute("select 1").await });
    trial.until_queued(1, 60_000).await;
    let found = trial.found(&[]);
    assert!(found[0].contains("has no connection to its server at 127.0.0.1 port"), "{found:?}");
    trial.server.thaw().unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(trial.found(&[]), Vec::<String>::new());
}

#[tokio::test]
async fn a_paused_database_is_resumed_by_its_fix() {
    let trial = Trial::of("pg-pooler-paused", &[], "");
    let client = trial.client().await;
    client.batch_execute("select 1").await.unwrap();
    assert_eq!(trial.found(&[]), Vec::<String>::new());
    let console = trial.console().await;
    console.simple_query("pause postgres").await.unwrap();
    let report = trial.report(&[]);
    let found = findings(&report, "pg-pooler-paused");
    assert_eq!(
        text(found[0], "/message"),
        "database postgres is paused at the pooler: its clients wait"
    );
    console.simple_query(text(found[0], "/fix/statements/0")).await.unwrap();
    assert_eq!(trial.found(&[]), Vec::<String>::new());
}

#[tokio::test]
async fn endless_waiting_gets_its_limit_by_the_fix() {
    let trial = Trial::of("pg-pooler-no-wait-limit", &[("query_wait_timeout", "0")], "");
    let report = trial.report(&[]);
    let found = findings(&report, "pg-pooler-no-wait-limit");
    let fix = text(found[0], "/fix/statements/0");
    trial.console().await.simple_query(fix).await.unwrap();
    assert_eq!(trial.found(&[]), Vec::<String>::new());
}

#[tokio::test]
async fn clients_near_the_limit_are_counted() {
    let settings = [("max_client_conn", "20")];
    let trial = Trial::of("pg-pooler-clients-near-limit", &settings, "");
    assert_eq!(trial.found(&[]), Vec::<String>::new());
    let mut clients = Vec::new();
    for _ in 0..17 {
        clients.push(trial.client().await);
    }
    let found = trial.found(&[]);
    assert!(found[0].starts_with("18 of 20 client connections"), "with our own: {found:?}");
    drop(clients);
}

#[tokio::test]
async fn pools_that_do_not_fit_the_server_are_told_where_both_are_examined() {
    let settings = [("default_pool_size", "200")];
    let trial = Trial::of("pg-pooler-oversubscribed", &settings, "");
    let client = trial.client().await;
    client.batch_execute("select 1").await.unwrap();
    let main = format!("main={}", trial.server.monitor_url("postgres"));
    let found = trial.found(&[&main]);
    assert!(found[0].contains("may open 200 connections; the server has 97"), "{found:?}");
    trial.console().await.simple_query("set default_pool_size = 20").await.unwrap();
    client.batch_execute("select 1").await.unwrap();
    assert_eq!(trial.found(&[&main]), Vec::<String>::new());
}

#[tokio::test]
async fn a_database_of_that_name_on_a_server_is_a_database() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    server.create_database("pgbouncer").await.unwrap();
    let report = audit(&[&server.monitor_url("pgbouncer")]).ended(&[0]).json();
    assert_eq!(text(&report, "/targets/0/kind"), "postgres");
}
