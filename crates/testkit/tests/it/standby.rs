//! Standbys stream, lag and take over.

use dbvitals_testkit::{PgVersion, Postgres};

#[tokio::test]
async fn every_version_has_standbys_that_stream() {
    let versions = PgVersion::ALL.into_iter().chain([PgVersion::Debian15]);
    for version in versions {
        let primary = Postgres::builder(version).start().unwrap();
        primary.create_database("app").await.unwrap();
        let standby = primary.standby().await.unwrap();
        primary.sql("app", "create table t as select 42 as n").await.unwrap();
        primary.wait_for_replay(&standby).await.unwrap();
        assert_eq!(standby.scalar("app", "select n from t").await.unwrap(), "42");
        let recovering = standby.scalar("postgres", "select pg_is_in_recovery()").await;
        assert_eq!(recovering.unwrap(), "t");
        let slot = "select slot_name from pg_replication_slots where active";
        assert_eq!(primary.scalar("postgres", slot).await.unwrap(), "s1");
        let monitor = standby.client_as(&standby.monitor_url("app")).await.unwrap();
        monitor.simple_query("select 1").await.unwrap();
    }
}

#[tokio::test]
async fn a_standby_with_its_own_settings_can_be_promoted() {
    let primary = Postgres::builder(PgVersion::V18).start().unwrap();
    let one = primary.standby_named("near").await.unwrap();
    let two = primary
        .standby_with("far", |builder| builder.setting("recovery_min_apply_delay", "1h"))
        .await
        .unwrap();
    let delay = two.scalar("postgres", "show recovery_min_apply_delay").await.unwrap();
    assert_eq!(delay, "1h");
    let names = "select application_name from pg_stat_replication order by 1";
    let names = primary.rows("postgres", names).await.unwrap();
    assert_eq!(names, [[Some("far".to_owned())], [Some("near".to_owned())]]);
    primary.kill().unwrap();
    one.promote().await.unwrap();
    one.sql("postgres", "create table mine ()").await.unwrap();
}
