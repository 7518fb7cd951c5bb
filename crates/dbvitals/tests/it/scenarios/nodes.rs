//! A primary and its standbys in one audit.

use dbvitals_checks::{Settings, judge};
use dbvitals_model::{
    Severity, Snapshot,
    cluster::{Cluster, ClusterNode},
};
use dbvitals_testkit::{PgVersion, Postgres};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::cluster::{Judge, look, set, write_wal};
use crate::run::{audit, findings, list, text};

const VERSIONS: [PgVersion; 2] = [PgVersion::V15, PgVersion::V18];

/// Unused indexes, whatever their size and the age of statistics.
fn unused() -> Judge {
    Judge::of("pg-unused-index").with("min_size_bytes", 0.0).with("min_age_days", 0.0)
}

/// Indexes that were scanned at all, however often and on however young statistics.
fn seldom_used() -> Judge {
    Judge::of("pg-rarely-used-index")
        .with("min_size_bytes", 0.0)
        .with("min_age_days", 0.0)
        .with("max_scans_per_day_count", 1e12)
        .with("writes_per_scan_count", 0.0)
}

fn indexes(snapshot: &Snapshot) -> Vec<(String, Severity, bool)> {
    let told = unused().findings(snapshot).into_iter();
    told.map(|finding| (finding.subject.name, finding.severity, finding.fix.is_some())).collect()
}

fn the_cluster(snapshot: &Snapshot) -> Cluster {
    let mut clusters = judge(snapshot, &Settings::default()).clusters;
    assert_eq!(clusters.len(), 1, "{clusters:#?}");
    clusters.remove(0)
}

fn node<'a>(cluster: &'a Cluster, name: &str) -> &'a ClusterNode {
    cluster.nodes.iter().find(|node| node.name == name).unwrap()
}

#[tokio::test]
async fn an_index_read_on_a_standby_is_used() {
    for version in VERSIONS {
        let primary = Postgres::builder(version).start().unwrap();
        let make = "create table t as select n as a, n as b from generate_series(1, 1000) as n; \
                    create index by_a on t (a); create index by_b on t (b)";
        for one in make.split("; ") {
            primary.sql("postgres", one).await.unwrap();
        }
        let standby = primary.standby_named("s1").await.unwrap();
        primary.wait_for_replay(&standby).await.unwrap();
        let reader = standby.client("postgres").await.unwrap();
        reader
            .batch_execute("set enable_seqscan = off; select * from t where a = 5")
            .await
            .unwrap();
        drop(reader);
        let scanned = "select idx_scan > 0 from pg_stat_user_indexes where indexrelname = 'by_a'";
        standby.wait_until("postgres", scanned).await.unwrap();

        let both = look(&[("main", &primary), ("s1", &standby)]).await;
        let wanted = ("public.by_b".to_owned(), Severity::Warning, true);
        assert_eq!(indexes(&both), [wanted], "{version}");
        assert!(the_cluster(&both).unseen.is_empty());
        let seldom = seldom_used().finding(&both);
        let told = seldom.evidence.iter().any(|evidence| evidence.label == "since its last scan");
        assert_eq!(told, version == PgVersion::V18, "only the standby knows: {seldom:#?}");
        let alone = look(&[("main", &primary)]).await;
        let unsure = |name: &str| (name.to_owned(), Severity::Info, false);
        assert_eq!(indexes(&alone), [unsure("public.by_a"), unsure("public.by_b")], "{version}");
        assert_eq!(the_cluster(&alone).unseen, ["s1@127.0.0.1"]);

        standby.stop().unwrap();
        let gone = "select count(*) = 0 from pg_stat_replication";
        primary.wait_until("postgres", gone).await.unwrap();
        let missing = look(&[("main", &primary)]).await;
        assert_eq!(indexes(&missing).iter().filter(|(_, _, fix)| *fix).count(), 0);
        let told = &unused().findings(&missing)[0].recommendation;
        assert!(told.contains("the standby of slot s1 (not connected)"), "{told}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_table_is_told_once() {
    let primary = Postgres::builder(PgVersion::V18).start().unwrap();
    primary.sql("postgres", "create table t (a int); ").await.unwrap();
    primary.sql("postgres", "insert into t select generate_series(1, 5000)").await.unwrap();
    primary.sql("postgres", "create index one on t (a)").await.unwrap();
    primary.sql("postgres", "create index two on t (a)").await.unwrap();
    let standby = primary.standby_named("s1").await.unwrap();
    primary.wait_for_replay(&standby).await.unwrap();
    let duplicates = Judge::of("pg-duplicate-index");
    let both = look(&[("s1", &standby), ("main", &primary)]).await;
    assert_eq!(duplicates.finding(&both).target, "main");
    let alone = duplicates.finding(&look(&[("s1", &standby)]).await);
    assert!(alone.recommendation.ends_with("on the primary: a standby only follows."));
}

#[tokio::test]
async fn a_chain_of_standbys_is_told_link_by_link_and_a_failover_makes_a_new_primary() {
    for version in VERSIONS {
        let primary = Postgres::builder(version).setting("work_mem", "8MB").start().unwrap();
        let less = |builder: dbvitals_testkit::PostgresBuilder| builder.setting("work_mem", "4MB");
        let first = primary.standby_with("s1", less).await.unwrap();
        let second = primary.standby_named("s2").await.unwrap();
        first.sql("postgres", "select pg_create_physical_replication_slot('s2')").await.unwrap();
        let origin = format!(
            "host=127.0.0.1 port={} user=postgres password=postgres application_name=s2",
            first.port()
        );
        set(&second, &[("primary_conninfo", &origin)]).await;
        let cascades = "select count(*) = 1 from pg_stat_replication where state = 'streaming'";
        first.wait_until("postgres", cascades).await.unwrap();
        let released = "select not active from pg_replication_slots where slot_name = 's2'";
        primary.wait_until("postgres", released).await.unwrap();
        primary.sql("postgres", "select pg_drop_replication_slot('s2')").await.unwrap();
        first.sql("postgres", "select pg_wal_replay_pause()").await.unwrap();
        write_wal(&primary, 5).await;
        let behind = "select pg_wal_lsn_diff(flush_lsn, replay_lsn) > 5e6 from pg_stat_replication";
        primary.wait_until("postgres", behind).await.unwrap();

        let all = [("s2", &second), ("s1", &first), ("main", &primary)];
        let told = the_cluster(&look(&all).await);
        let order: Vec<_> =
            told.nodes.iter().map(|n| (n.name.as_str(), n.upstream.as_deref())).collect();
        assert_eq!(order, [("main", None), ("s1", Some("main")), ("s2", Some("s1"))], "{version}");
        assert!(told.unseen.is_empty(), "{:?}", told.unseen);
        let one = node(&told, "s1");
        assert!(one.lag.replay_bytes > Some(5_000_000), "{:?}", one.lag);
        assert!(one.lag.flush_bytes < Some(1_000_000), "{:?}", one.lag);
        assert_eq!((one.timeline, one.slot.as_deref()), (Some(1), Some("s1")));
        let drift: Vec<_> = one.settings.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(drift, ["work_mem"]);
        assert_eq!(one.failover_counts().2, 0, "nothing is unknown: {:#?}", one.failover);
        let without = the_cluster(&look(&[("s2", &second), ("main", &primary)]).await);
        assert!(without.unseen.iter().any(|name| name.starts_with("s1@")), "{:?}", without.unseen);

        first.sql("postgres", "select pg_wal_replay_resume()").await.unwrap();
        primary.wait_for_replay(&first).await.unwrap();
        first.promote().await.unwrap();
        let follows = "select received_tli = 2 from pg_stat_wal_receiver";
        second.wait_until("postgres", follows).await.unwrap();
        let told = the_cluster(&look(&all).await);
        assert_eq!(told.name, "s1");
        let note = "s1 (timeline 2) and main (timeline 1) all accept writes";
        assert!(told.notes[0].starts_with(note), "{:?}", told.notes);
        let met = |node: &ClusterNode| {
            let mut points = node.failover.iter();
            points.find(|point| point.label == "same timeline").and_then(|point| point.met)
        };
        assert_eq!(met(node(&told, "s2")), Some(true));
    }
}

#[tokio::test]
async fn an_old_primary_left_running_is_told_until_it_is_stopped() {
    for version in VERSIONS {
        let primary = Postgres::builder(version).start().unwrap();
        let standby = primary.standby_named("s1").await.unwrap();
        let two = Judge::of("pg-two-primaries");
        two.is_silent(&look(&[("main", &primary), ("s1", &standby)]).await);
        two.is_silent(&look(&[("main", &primary), ("alias", &primary)]).await);
        primary.wait_for_replay(&standby).await.unwrap();
        standby.promote().await.unwrap();
        let found =
            two.fires(Severity::Critical, &look(&[("main", &primary), ("s1", &standby)]).await);
        let message =
            "main (timeline 1) and s1 (timeline 2) both accept writes and are one cluster";
        assert_eq!((found.target.as_str(), found.message.as_str()), ("main", message), "{version}");
        primary.stop().unwrap();
        let alone = two.skipped(&look(&[("s1", &standby)]).await);
        assert!(alone.reason.starts_with("no other server of its cluster"), "{alone:?}");
    }
}

#[tokio::test]
async fn a_standby_promoted_to_subscribe_is_no_second_primary() {
    let blue = Postgres::builder(PgVersion::V18).setting("wal_level", "logical").start().unwrap();
    blue.sql("postgres", "create table t (a int primary key)").await.unwrap();
    blue.sql("postgres", "create publication all_of_it for all tables").await.unwrap();
    let slot = "select pg_create_logical_replication_slot('next', 'pgoutput')";
    blue.rows("postgres", slot).await.unwrap();
    let green = blue.standby_named("s1").await.unwrap();
    blue.wait_for_replay(&green).await.unwrap();
    green.promote().await.unwrap();
    let two = Judge::of("pg-two-primaries");
    assert_eq!(two.finding(&look(&[("blue", &blue), ("green", &green)]).await).target, "blue");
    let subscribe = format!(
        "create subscription next connection 'host=127.0.0.1 port={} dbname=postgres user=postgres \
         password=postgres' publication all_of_it with (create_slot = false, copy_data = false)",
        blue.port()
    );
    green.sql("postgres", &subscribe).await.unwrap();
    let streams = "select count(*) = 1 from pg_stat_replication where application_name = 'next'";
    blue.wait_until("postgres", streams).await.unwrap();
    two.is_silent(&look(&[("blue", &blue), ("green", &green)]).await);
}

#[tokio::test]
async fn every_node_of_a_url_can_be_audited() {
    let primary = Postgres::builder(PgVersion::V15).start().unwrap();
    let standby = primary.standby_named("s1").await.unwrap();
    let (one, two) = (primary.port(), standby.port());
    let url = format!("main=postgres://monitor:monitor@127.0.0.1:{one},127.0.0.1:{two}/postgres");
    let report = audit(&[&url]).ended(&[0]).json();
    let names = |report: &serde_json::Value| {
        let servers = list(report, "/targets").iter().filter(|t| text(t, "/kind") == "postgres");
        servers.map(|target| text(target, "/name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&report), ["main"]);
    assert_eq!(text(&report, "/targets/0/offered/0"), format!("127.0.0.1:{one} s1"));
    let report = audit(&["--all-nodes", &url]).ended(&[0]).json();
    let wanted = [one, two].map(|port| format!("main/127.0.0.1:{port}"));
    assert_eq!(names(&report), wanted);
    assert_eq!(list(&report, "/targets/0/offered").len(), 0, "it is a target");
    assert_eq!(list(&report, "/clusters/0/nodes").len(), 2);
    let ready = list(&report, "/clusters/0/nodes/1/failover");
    assert_eq!(ready.len(), 8);
}

/// Passes connections on; the far side sees them come from an address of its own.
async fn forward(listen: &str, to: u16, from: &'static str) -> u16 {
    let listener = TcpListener::bind(listen).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
                let far = socket.connect(format!("127.0.0.1:{to}").parse().unwrap()).await;
                let mut far: TcpStream = far.unwrap();
                // Whichever side ends first ends both; there is nobody to tell.
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standbys_are_followed_where_they_listen_and_told_where_not() {
    let open = |builder: dbvitals_testkit::PostgresBuilder| {
        builder
            .hba("host all all 127.0.0.0/8 scram-sha-256")
            .hba("host replication all 127.0.0.0/8 scram-sha-256")
    };
    let primary = open(Postgres::builder(PgVersion::V18)).start().unwrap();
    let inward = forward("127.0.0.1:0", primary.port(), "127.0.0.2").await;
    let origin =
        format!("host=127.0.0.1 port={inward} user=postgres password=postgres application_name=s1");
    let by_way = |builder: dbvitals_testkit::PostgresBuilder| {
        open(builder).setting("primary_conninfo", &origin)
    };
    let standby = primary.standby_with("s1", by_way).await.unwrap();
    let url = format!("main={}", primary.monitor_url("postgres"));
    let follow = || audit(&["--with-replicas", &url]);
    let report = tokio::task::block_in_place(follow).ended(&[0]).json();
    let problem = text(&report, "/targets/0/problems/0");
    let place = format!("standby s1@127.0.0.2 was not audited at 127.0.0.2:{}", primary.port());
    assert!(problem.starts_with(&place), "{report}");

    forward(&format!("127.0.0.2:{}", primary.port()), standby.port(), "127.0.0.3").await;
    let report = tokio::task::block_in_place(follow).ended(&[0]).json();
    assert_eq!(list(&report, "/targets/0/problems").len(), 0, "{}", report["targets"]);
    assert_eq!(text(&report, "/targets/1/name"), "main/s1@127.0.0.2");
    assert_eq!(text(&report, "/targets/1/role"), "standby");
    assert_eq!(text(&report, "/clusters/0/nodes/1/upstream"), "main");
    assert!(findings(&report, "pg-replica-missing").is_empty());
}
