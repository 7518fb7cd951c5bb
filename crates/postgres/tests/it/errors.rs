//! Why a connection cannot be made, each on a real server: recognised by code, explained with a remedy.

use std::process::Command;

use dbvitals_model::Reason;
use dbvitals_postgres::{Error, Target};
use dbvitals_testkit::{Hostile, PgVersion, Postgres, Redis, RedisVersion, shared};

use crate::support::{refusal, session};

#[track_caller]
fn says(error: &Error, detail: &str, remedy: &str) {
    let why = error.unavailable();
    assert!(why.detail.contains(detail), "{why:?}");
    assert!(why.remedy.as_deref().is_some_and(|text| text.contains(remedy)), "{why:?}");
    assert!(!format!("{error} {error:?} {why:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn refused_unknown_host_and_no_socket() {
    let nobody = Hostile::refuses().unwrap();
    let error = refusal(&nobody.postgres_url()).await;
    says(&error, "refused", "check that the server runs");
    assert!(error.is_retryable() && !error.is_usage() && error.sqlstate().is_none());
    assert!(error.to_string().starts_with(&format!("127.0.0.1:{}/postgres: ", nobody.port())));
    let error = refusal("postgres://me:hunter2@nowhere.invalid/d").await;
    says(&error, "nowhere.invalid cannot be resolved", "spelling");
    let error = refusal("host=/nonexistent user=me password=hunter2").await;
    says(&error, "no socket at /nonexistent/.s.PGSQL.5432", "unix_socket_directories");
}

#[tokio::test]
async fn login_refused() {
    let server = Postgres::builder(PgVersion::V16)
        .hba("host all unwelcome 127.0.0.1/32 reject")
        .setting("lc_messages", "C")
        .start()
        .unwrap();
    let port = server.port();
    let error = refusal(&server.url("monitor", "hunter2", "postgres")).await;
    assert_eq!(error.sqlstate(), Some("28P01"));
    says(&error, "28P01", "correct the password");
    let error = refusal(&format!("postgres://monitor@127.0.0.1:{port}/postgres")).await;
    assert_eq!(error.sqlstate(), Some("28P01"));
    says(&error, "28P01", "give a password");
    let error = refusal(&server.url("unwelcome", "hunter2", "postgres")).await;
    assert_eq!(error.sqlstate(), Some("28000"));
    says(&error, "28000", "pg_hba.conf");
    let error = refusal(&server.monitor_url("missing")).await;
    assert_eq!(error.sqlstate(), Some("3D000"));
    says(&error, "missing", "name of the database");
}

#[tokio::test]
async fn too_many_connections() {
    let server = Postgres::builder(PgVersion::V14)
        .setting("max_connections", "5")
        .setting("superuser_reserved_connections", "3")
        .setting("max_wal_senders", "0")
        .start()
        .unwrap();
    let first = session(&server.monitor_url("postgres")).await;
    let second = session(&server.monitor_url("postgres")).await;
    let error = refusal(&server.monitor_url("postgres")).await;
    assert!(error.is_retryable() && error.sqlstate() == Some("53300"), "{error}");
    says(&error, "53300", "max_connections");
    first.close().await;
    second.close().await;
}

#[tokio::test]
async fn not_accepting_connections_now() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    let mut holder = session(&server.monitor_url("postgres")).await;
    // A smart shutdown waits for the open session, and lets no other in.
    let pid = server.pid().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let refused = loop {
        match crate::support::try_session(&server.monitor_url("postgres")).await {
            Ok(early) => early.close().await,
            Err(error) => break error,
        }
    };
    assert_eq!(refused.sqlstate(), Some("57P03"));
    assert!(refused.is_retryable());
    says(&refused, "57P03", "wait until");
    assert_eq!(crate::support::text(&mut holder, "1").await, "1");
    holder.close().await;
}

#[tokio::test]
async fn servers_of_other_kinds() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    for mode in ["prefer", "disable"] {
        let url = format!("postgres://me:hunter2@127.0.0.1:{}/d?sslmode={mode}", redis.port());
        let error = refusal(&url).await;
        says(&error, "answers like Redis", "redis://");
        assert_eq!(error.unavailable().reason, Reason::Failed);
    }
    let web = Hostile::says(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    for mode in ["prefer", "disable"] {
        let error = refusal(&format!("{}?sslmode={mode}", web.postgres_url())).await;
        says(&error, "like a web server", "port");
    }
    let mail = Hostile::says(b"220 mail ready\r\n").unwrap();
    says(&refusal(&mail.postgres_url()).await, "another protocol", "port");
    let protected = Hostile::says(b"-DENIED Redis is running in protected mode\r\n").unwrap();
    says(&refusal(&protected.postgres_url()).await, "answers like Redis", "redis://");
}

/// A message of the protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

fn login_of(version: &str) -> Vec<u8> {
    let parameter = format!("server_version\0{version}\0");
    [
        message(b'R', &[0, 0, 0, 0]),
        message(b'S', parameter.as_bytes()),
        message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
        message(b'Z', b"I"),
    ]
    .concat()
}

#[tokio::test]
async fn servers_too_old_and_logins_unknown() {
    let plain = |server: &Hostile| format!("{}?sslmode=disable", server.postgres_url());
    let old = Hostile::says(&login_of("12.22")).unwrap();
    let error = refusal(&plain(&old)).await;
    says(&error, "PostgreSQL 12.22 is too old", "upgrade");
    assert_eq!(error.unavailable().reason, Reason::Version);
    let gss = Hostile::says(&message(b'R', &[0, 0, 0, 7])).unwrap();
    says(&refusal(&plain(&gss)).await, "login this tool cannot make", "SCRAM");
    let hostile_code = b"SFATAL\0VFATAL\0C28P01\0M\xff\xfe mot de passe\0\0";
    let foreign = Hostile::says(&message(b'E', hostile_code)).unwrap();
    let error = refusal(&plain(&foreign)).await;
    assert_eq!(error.sqlstate(), Some("28P01"), "the code decides, whatever the language");
    let server = shared(PgVersion::V13).unwrap();
    let url = format!("{}?channel_binding=require&sslmode=disable", server.monitor_url("postgres"));
    says(&refusal(&url).await, "login this tool cannot make", "channel_binding");
}

#[test]
fn what_was_typed_wrong_is_usage() {
    let error = Target::parse("postgres://h/?sslmode=requir", &|_| None).unwrap_err();
    assert!(error.is_usage() && !error.is_retryable());
    assert!(error.to_string().contains("did you mean require?"), "{error}");
}
