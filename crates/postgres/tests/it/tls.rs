//! The modes of TLS, certificates good and bad, client certificates, direct negotiation, channel binding.

use std::{fs, os::unix::fs::PermissionsExt as _};

use dbvitals_testkit::{PgVersion, Postgres, Validity};

use crate::support::{refusal, session, text, try_session};

async fn is_encrypted(url: &str) -> bool {
    let mut session = session(url).await;
    let seen = session.probe().await.unwrap();
    let sql = "(select ssl from pg_stat_ssl where pid = pg_backend_pid())";
    let by_server = text(&mut session, sql).await == "true";
    assert_eq!(seen.tls, by_server);
    session.close().await;
    by_server
}

fn url(server: &Postgres, parameters: &str) -> String {
    format!("{}?{parameters}", server.monitor_url("postgres"))
}

#[tokio::test]
async fn modes_mean_what_libpq_says() {
    let server = Postgres::builder(PgVersion::NEWEST).tls().start().unwrap();
    let root = server.certificates().unwrap().authority().display().to_string();
    for (mode, encrypted) in [("disable", false), ("allow", false), ("prefer", true)] {
        assert_eq!(is_encrypted(&url(&server, &format!("sslmode={mode}"))).await, encrypted);
    }
    assert!(is_encrypted(&url(&server, "sslmode=require")).await);
    for mode in ["require", "verify-ca", "verify-full"] {
        assert!(is_encrypted(&url(&server, &format!("sslmode={mode}&sslrootcert={root}"))).await);
    }
    let named = format!(
        "postgres://monitor:monitor@localhost:{}/postgres?hostaddr=127.0.0.1&sslmode=verify-full\
         &sslrootcert={root}&channel_binding=require&ssl_min_protocol_version=TLSv1.3",
        server.port()
    );
    assert!(is_encrypted(&named).await);
    let older = "sslmode=require&ssl_max_protocol_version=TLSv1.2&channel_binding=require";
    assert!(is_encrypted(&url(&server, older)).await);
    assert!(is_encrypted(&url(&server, "sslmode=require&sslnegotiation=direct")).await);
    let socket = server.socket_dir();
    let local = format!(
        "host={} port={} user=monitor password=monitor dbname=postgres sslmode=require",
        socket.display(),
        server.port()
    );
    assert!(!is_encrypted(&local).await, "a Unix socket is never encrypted");
    let why = refusal(&url(&server, "sslmode=verify-ca")).await;
    assert!(why.unavailable().remedy.unwrap().contains("sslrootcert"), "{why}");
    let why = refusal(&url(&server, "sslmode=verify-ca&sslrootcert=/nonexistent")).await;
    assert!(why.is_usage() && why.to_string().contains("/nonexistent"), "{why}");
}

#[tokio::test]
async fn a_server_without_tls() {
    let server = Postgres::builder(PgVersion::V14).start().unwrap();
    for mode in ["disable", "allow", "prefer"] {
        assert!(!is_encrypted(&url(&server, &format!("sslmode={mode}"))).await);
    }
    for mode in ["sslmode=require", "sslmode=require&sslnegotiation=direct"] {
        let why = refusal(&url(&server, mode)).await.unavailable();
        assert!(why.detail.contains("TLS") || why.detail.contains("closed"), "{why:?}");
        assert!(why.remedy.is_some());
    }
}

#[tokio::test]
async fn certificates_that_must_not_be_trusted() {
    let other = Postgres::builder(PgVersion::V15).tls().start().unwrap();
    let stranger = other.certificates().unwrap().authority().display().to_string();
    let elsewhere = Postgres::builder(PgVersion::V15)
        .tls_for(&["db.example.org"], Validity::Valid)
        .start()
        .unwrap();
    let own = elsewhere.certificates().unwrap().authority().display().to_string();
    let is_untrusted = async |url: String| {
        let why = refusal(&url).await.unavailable();
        assert!(why.detail.contains("not trusted"), "{why:?}");
        assert!(why.remedy.unwrap().contains("sslrootcert"));
    };
    for mode in ["require", "verify-ca", "verify-full"] {
        is_untrusted(url(&elsewhere, &format!("sslmode={mode}&sslrootcert={stranger}"))).await;
    }
    is_untrusted(url(&elsewhere, &format!("sslmode=verify-full&sslrootcert={own}"))).await;
    is_untrusted(url(&elsewhere, "sslrootcert=system")).await;
    assert!(is_encrypted(&url(&elsewhere, &format!("sslmode=verify-ca&sslrootcert={own}"))).await);
    let pinned = elsewhere.certificates().unwrap().server_certificate().display().to_string();
    assert!(
        is_encrypted(&url(&elsewhere, &format!("sslmode=verify-ca&sslrootcert={pinned}"))).await
    );
    is_untrusted(url(&elsewhere, &format!("sslmode=verify-full&sslrootcert={pinned}"))).await;
    let fallback = url(&elsewhere, &format!("sslmode=prefer&sslrootcert={stranger}"));
    assert!(!is_encrypted(&fallback).await, "prefer goes on without TLS");

    let expired = Postgres::builder(PgVersion::V15)
        .tls_for(&["localhost", "127.0.0.1"], Validity::Expired)
        .start()
        .unwrap();
    let authority = expired.certificates().unwrap().authority().display().to_string();
    let pinned = expired.certificates().unwrap().server_certificate().display().to_string();
    for root in [authority, pinned] {
        is_untrusted(url(&expired, &format!("sslmode=verify-ca&sslrootcert={root}"))).await;
    }
    assert!(is_encrypted(&url(&expired, "sslmode=require")).await, "nothing is verified here");
}

#[tokio::test]
async fn access_rules_that_ask_for_tls_or_its_absence() {
    let server = Postgres::builder(PgVersion::V16)
        .tls()
        .hba("hostssl all monitor 127.0.0.1/32 scram-sha-256")
        .hba("hostnossl all monitor 127.0.0.1/32 reject")
        .hba("hostssl all postgres 127.0.0.1/32 reject")
        .start()
        .unwrap();
    assert!(is_encrypted(&url(&server, "sslmode=allow")).await);
    let error = refusal(&url(&server, "sslmode=disable")).await;
    assert_eq!(error.sqlstate(), Some("28000"));
    let superuser = server.superuser_url("postgres");
    assert!(!is_encrypted(&format!("{superuser}?sslmode=prefer")).await);
    assert!(try_session(&format!("{superuser}?sslmode=require")).await.is_err());
}

#[tokio::test]
async fn client_certificates() {
    let server = Postgres::builder(PgVersion::V17)
        .tls()
        .hba("hostssl all monitor 127.0.0.1/32 cert")
        .start()
        .unwrap();
    let made = server.certificates().unwrap();
    let certificate = made.client_certificate("monitor").display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("monitor.key");
    fs::copy(made.client_key("monitor"), &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let with = |certificate: &str, key: &str| {
        let port = server.port();
        format!(
            "postgres://monitor@127.0.0.1:{port}/postgres?sslmode=require&sslcert={certificate}\
                 &sslkey={key}"
        )
    };
    let key_text = key.display().to_string();
    assert!(is_encrypted(&with(&certificate, &key_text)).await);
    let without =
        format!("postgres://monitor@127.0.0.1:{}/postgres?sslmode=require", server.port());
    assert_eq!(refusal(&without).await.sqlstate(), Some("28000"));
    let other = made.client_certificate("postgres").display().to_string();
    let why = refusal(&with(&other, &key_text)).await;
    assert!(why.unavailable().detail.contains("TLS"), "certificate and key do not match: {why}");
    let why = refusal(&with(&certificate, &certificate)).await;
    assert!(why.is_usage() && why.to_string().contains("monitor.crt"), "{why}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let why = refusal(&with(&certificate, &key_text)).await;
    assert!(why.to_string().contains("others may read it"), "{why}");
    let impostor = folder.path().join("impostor.key");
    fs::copy(made.client_key("postgres"), &impostor).unwrap();
    fs::set_permissions(&impostor, fs::Permissions::from_mode(0o600)).unwrap();
    let error = refusal(&with(&other, &impostor.display().to_string())).await;
    assert_eq!(error.sqlstate(), Some("28000"), "a certificate of another user: {error}");
}
