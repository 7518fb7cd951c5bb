//! The oldest and the newest servers, primaries and standbys, empty and bare.

use dbvitals_testkit::{PgVersion, Postgres, Redis, RedisVersion};

use crate::run::{audit, broken, findings, list, text};

#[tokio::test]
async fn a_primary_and_its_standby() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let primary = Postgres::builder(version).preload("pg_stat_statements").start().unwrap();
        let make = "create extension pg_stat_statements; create table t (id int primary key)";
        primary.sql("postgres", make).await.unwrap();
        let standby = primary.standby().await.unwrap();
        primary.wait_for_replay(&standby).await.unwrap();
        let one = format!("one={}", primary.monitor_url("postgres"));
        let two = format!("two={}", standby.monitor_url("postgres"));
        let report = audit(&[&one, &two]).ended(&[0]).json();
        assert!(broken(&report).is_empty(), "{version}: {:?}", broken(&report));
        let role = |name: &str| {
            let target = list(&report, "/targets").iter().find(|t| text(t, "/name") == name);
            text(target.unwrap(), "/role").to_owned()
        };
        assert_ne!(role("one"), role("two"), "{report}");
        for name in ["one", "two"] {
            let checked = list(&report, "/coverage/checked").iter();
            let count = checked.filter(|c| text(c, "/target") == name).count();
            assert!(count > 60, "{version} {name}: {count}");
        }
        let alone = audit(&[&one]).ended(&[0]).json();
        let offered = list(&alone, "/targets")[0]["offered"].to_string();
        assert!(offered.contains("127.0.0.1"), "standbys are offered: {offered}");
    }
}

#[tokio::test]
async fn an_empty_server_gets_a_clean_report_with_coverage() {
    let server = Postgres::builder(PgVersion::NEWEST).setting("fsync", "on").start().unwrap();
    let report = audit(&[&server.monitor_url("postgres"), "--only", "pg-*"]).ended(&[0]).json();
    assert!(broken(&report).is_empty(), "{:?}", broken(&report));
    // How fast we can connect is this machine's matter.
    let of_server = |f: &&serde_json::Value| text(f, "/check") != "pg-connection-latency";
    for finding in list(&report, "/findings").iter().filter(of_server) {
        assert_ne!(text(finding, "/severity"), "critical", "{finding}");
        assert_ne!(text(finding, "/subject/kind"), "table", "{finding}");
        assert_ne!(text(finding, "/subject/kind"), "index", "{finding}");
    }
    let skipped = report["coverage"]["skipped"].to_string();
    assert!(skipped.contains("pg_stat_statements"), "{skipped}");
    assert!(findings(&report, "pg-statements-not-collected").len() <= 1);
}

#[test]
fn redis_old_new_and_their_replica() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let replica = primary.replica().unwrap();
        let (one, two) = (format!("one={}", primary.url()), format!("two={}", replica.url()));
        let report = audit(&[&one, &two]).ended(&[0]).json();
        assert!(broken(&report).is_empty(), "{version}: {:?}", broken(&report));
        assert_eq!(list(&report, "/targets").len(), 3, "{report}");
    }
}
