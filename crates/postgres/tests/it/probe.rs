//! What a server says of itself, on every version, as monitor and as superuser, primary and standby.

use dbvitals_model::Reason;
use dbvitals_testkit::{PgVersion, Postgres, shared};

use crate::support::{session, text};

#[tokio::test]
async fn every_version_is_learnt_about() {
    for version in PgVersion::ALL {
        let server = shared(version).unwrap();
        let mut monitor = session(&server.monitor_url("postgres")).await;
        let seen = monitor.probe().await.unwrap();
        assert_eq!(seen.version.major, version.major());
        assert!(seen.version_text.starts_with("PostgreSQL"), "{}", seen.version_text);
        assert!(!seen.in_recovery && !seen.is_superuser && seen.is_local && !seen.tls);
        assert_eq!((seen.user.as_str(), seen.database.as_str()), ("monitor", "postgres"));
        for role in ["pg_monitor", "pg_read_all_stats", "pg_read_all_settings"] {
            assert!(seen.member_of.iter().any(|member| member == role), "{role}");
        }
        assert!(!seen.member_of.iter().any(|member| member == "pg_signal_backend"));
        assert_eq!(seen.own_pids, [monitor.announced_pid().unwrap()]);
        assert_eq!(seen.own_pids[0].to_string(), text(&mut monitor, "pg_backend_pid()").await);
        assert_eq!(seen.pooler, None);
        assert!(seen.started_at.unwrap() < seen.now && seen.block_size_bytes == 8192);
        assert!(seen.connect_ms.unwrap() > 0.0 && seen.round_trip_ms.unwrap() > 0.0);
        let mut superuser = session(&server.superuser_url("postgres")).await;
        let more = superuser.probe().await.unwrap();
        assert!(more.is_superuser && more.system_identifier.is_some());
        if let Some(identifier) = seen.system_identifier {
            assert_eq!(Some(identifier), more.system_identifier);
        }
        monitor.close().await;
        superuser.close().await;
    }
}

#[tokio::test]
async fn a_standby_says_so() {
    let primary = Postgres::builder(PgVersion::V17).start().unwrap();
    let standby = primary.standby().await.unwrap();
    let mut session = session(&standby.monitor_url("postgres")).await;
    let seen = session.probe().await.unwrap();
    assert!(seen.in_recovery);
    session.close().await;
}

#[tokio::test]
async fn databases_are_sorted_by_what_becomes_of_them() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    for sql in [
        "create database app",
        "create database \"odd \"\" name\"",
        "create database closed allow_connections false",
        "create database private",
        "revoke connect on database private from public",
        "create database unwanted",
    ] {
        server.sql("postgres", sql).await.unwrap();
    }
    let mut session = session(&server.monitor_url("postgres")).await;
    let seen = session.databases(&|name| name != "unwanted").await.unwrap();
    assert_eq!(seen.examined, ["app", "odd \" name", "postgres"]);
    let [closed, private] = seen.passed_over.as_slice() else { panic!("{seen:?}") };
    assert_eq!((closed.0.as_str(), closed.1.reason), ("closed", Reason::Disabled));
    assert_eq!((private.0.as_str(), private.1.reason), ("private", Reason::Permission));
    let remedy = private.1.remedy.as_deref().unwrap();
    assert_eq!(remedy, "GRANT CONNECT ON DATABASE \"private\" TO \"monitor\"");
    server.sql("postgres", remedy).await.unwrap();
    let seen = session.databases(&|name| name == "private").await.unwrap();
    assert_eq!(seen.examined, ["private"], "the remedy opens it");
    let odd = session.target_for("odd \" name");
    dbvitals_postgres::connect(&odd, crate::support::LIMIT).await.unwrap().close().await;
    session.close().await;
}
