//! Sessions that come in storms, are refused, sit idle, or are lost.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::logged::{DATABASE, Logged, VERSIONS, message, number, words};
use crate::run::text;

/// Lets the role of the tests in without a password: what is measured is the server, not its hashing.
const OPEN: &str = "host all monitor 127.0.0.1/32 trust";

/// More sessions than the ten a second that are a storm: over two minutes one of them has six hundred.
const STORM: usize = 1300;

#[tokio::test]
async fn a_storm_of_short_sessions_is_told_until_connections_are_kept() {
    for version in VERSIONS {
        let log = Logged::with(version, &[("log_min_duration_statement", "-1")], &[OPEN]).await;
        for _ in 0..STORM {
            log.session_of_monitor().await.batch_execute("select 1").await.unwrap();
        }
        let found = log.found("log-connection-storm").await;
        assert!(number(&found, "a second, busiest minute") >= 10.0, "{found:#}");
        assert!(words(&found, "clients").starts_with("127.0.0.1 1,3"), "{found:#}");
        let found = log.found("log-short-sessions").await;
        assert!(words(&found, "users").starts_with("monitor 1,3"), "{found:#}");
        let kept = log.session_of_monitor().await;
        for _ in 0..STORM {
            kept.batch_execute("select 1").await.unwrap();
        }
        log.gone("log-connection-storm").await;
        log.gone("log-short-sessions").await;
    }
}

#[tokio::test]
async fn refused_connections_are_told_until_some_are_given_back() {
    for version in VERSIONS {
        let settings = [("max_connections", "10"), ("superuser_reserved_connections", "3")];
        let log = Logged::of(version, &settings).await;
        log.gone("log-connections-refused").await;
        let url = log.server.monitor_url(DATABASE);
        let mut pool = Vec::new();
        while let Ok(session) = log.server.client_as(&url).await {
            pool.push(session);
        }
        assert!(pool.len() <= 7, "{}", pool.len());
        let found = log.found("log-connections-refused").await;
        assert_eq!(text(&found, "/severity"), "critical");
        assert_eq!(message(&found), "1 connection was refused: all places were taken");
        assert!(words(&found, "message").contains("connection slots are reserved"), "{found:#}");
        pool.truncate(2);
        log.until("count(*) = 2 from pg_stat_activity where usename = 'monitor'").await;
        drop(log.session_of_monitor().await);
        log.gone("log-connections-refused").await;
    }
}

#[tokio::test]
async fn refused_logins_are_told_until_the_password_is_right() {
    for version in VERSIONS {
        let log = Logged::with(version, &[], &["host postgres monitor 127.0.0.1/32 reject"]).await;
        let wrong = [
            log.server.url("monitor", "of last year", DATABASE),
            log.server.url("nobody_here", "guessed", DATABASE),
            log.server.monitor_url("postgres"),
        ];
        for url in wrong.iter().cycle().take(6) {
            assert!(log.server.client_as(url).await.is_err());
        }
        let found = log.found("log-authentication-failures").await;
        assert_eq!(message(&found), "6 logins were refused");
        assert!(words(&found, "message").contains("authentication failed"), "{found:#}");
        for _ in 0..6 {
            drop(log.session_of_monitor().await);
        }
        log.gone("log-authentication-failures").await;
    }
}

#[tokio::test]
async fn sessions_that_sit_in_a_transaction_are_told_until_they_commit() {
    for version in VERSIONS {
        let log = Logged::of(version, &[("idle_in_transaction_session_timeout", "50ms")]).await;
        let mut left = Vec::new();
        for _ in 0..2 {
            let session = log.session().await;
            session.batch_execute("begin; select 1").await.unwrap();
            left.push(session);
        }
        log.until_logged("idle-in-transaction timeout", 2).await;
        let found = log.found("log-idle-timeouts").await;
        assert_eq!(message(&found), "2 sessions were ended for sitting idle");
        let tidy = log.session().await;
        tidy.batch_execute("begin; select 1; commit").await.unwrap();
        log.sql("select pg_sleep(0.2)").await;
        tidy.batch_execute("select 1").await.unwrap();
        log.gone("log-idle-timeouts").await;
    }
}

/// A client that speaks the protocol by itself, so that it can go without a word.
struct Bare(TcpStream);

impl Bare {
    fn connect(port: u16) -> Self {
        let mut client = Self(TcpStream::connect(("127.0.0.1", port)).unwrap());
        let mut start = 196_608_u32.to_be_bytes().to_vec();
        start.extend(format!("user\0monitor\0database\0{DATABASE}\0\0").bytes());
        client.send(&start);
        client.until_ready();
        client
    }

    /// The body of a message behind its length.
    fn send(&mut self, body: &[u8]) {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        self.0.write_all(&length).unwrap();
        self.0.write_all(body).unwrap();
    }

    fn ask(&mut self, statement: &str) {
        self.0.write_all(b"Q").unwrap();
        self.send(format!("{statement}\0").as_bytes());
    }

    fn until_ready(&mut self) {
        let mut kind = [0];
        while kind != *b"Z" {
            self.0.read_exact(&mut kind).unwrap();
            let mut length = [0; 4];
            self.0.read_exact(&mut length).unwrap();
            let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
            self.0.read_exact(&mut body).unwrap();
        }
    }

    fn leave(mut self) {
        self.0.write_all(b"X").unwrap();
        self.send(b"");
    }
}

/// Both ways a client is lost: within a transaction, and before its answer.
async fn lose(log: &Logged) {
    for round in 1..=3 {
        let mut client = Bare::connect(log.server.port());
        client.ask("begin");
        client.until_ready();
        drop(client);
        log.until_logged("unexpected EOF on client connection", round).await;
    }
    for round in 1..=2 {
        let mut client = Bare::connect(log.server.port());
        // More than the buffers on the way hold.
        client.ask("select pg_sleep(0.05), repeat('x', 50000000)");
        drop(client);
        log.until_logged("could not send data to client", round).await;
        log.until_logged("connection to client lost", round).await;
    }
}

#[tokio::test]
async fn clients_that_go_without_a_word_are_told_until_they_take_leave() {
    for version in VERSIONS {
        let log = Logged::with(version, &[], &[OPEN]).await;
        lose(&log).await;
        let found = log.found("log-clients-lost").await;
        let told = (number(&found, "lost"), number(&found, "lost an hour"));
        assert_eq!(told, (5.0, 20.0), "{found:#}");
        for _ in 0..5 {
            let mut client = Bare::connect(log.server.port());
            client.ask("begin; select 1; commit");
            client.until_ready();
            client.leave();
        }
        log.gone("log-clients-lost").await;
    }
}
