//! Replicas and clusters.

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisVersion};

use super::{Scene, info, load, until};

#[tokio::test]
async fn replica_link_down() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let replica = primary.replica().unwrap();
        let scene = Scene::new(&replica, "redis-replica-link-down");
        scene.silent().await;
        primary.stop().unwrap();
        until(&replica, "master_link_status", |status| status == "down");
        scene.found_as(Severity::Critical).await;
        primary.start().unwrap();
        until(&replica, "master_link_status", |status| status == "up");
        scene.silent().await;
    }
}

#[tokio::test]
async fn a_primary_that_misses_a_replica() {
    let primary = Redis::builder(RedisVersion::V7).start().unwrap();
    let scene = Scene::new(&primary, "redis-replica-link-down").replicas(1);
    scene.found_as(Severity::Critical).await;
    let _replica = primary.replica().unwrap();
    scene.silent().await;
}

#[tokio::test]
async fn replica_lag() {
    let primary = Redis::builder(RedisVersion::V7).start().unwrap();
    let replica = primary.replica().unwrap();
    let scene = Scene::new(&primary, "redis-replica-lag").limit("lag_seconds", 1.0);
    scene.silent().await;
    replica.freeze().unwrap();
    until(&primary, "slave0", |replica| lag(replica) > 1);
    scene.found_as(Severity::Warning).await;
    replica.thaw().unwrap();
    until(&primary, "slave0", |replica| lag(replica) == 0);
    scene.silent().await;
}

/// Seconds since its last acknowledgement, of a line such as `ip=…,port=…,state=online,offset=1,lag=0`.
fn lag(replica: &str) -> i64 {
    replica.rsplit_once("lag=").unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn full_resync() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let scene = Scene::new(&primary, "redis-full-resync");
        let _replica = primary.replica().unwrap();
        scene.silent().await;
        for _ in 0..3 {
            // What a replica asks that was away for too long.
            let mut stranger = primary.connection().unwrap();
            stranger.command(&["PSYNC", &"a".repeat(40), "100"]).unwrap();
        }
        scene.found_as(Severity::Warning).await;
        primary.cli(&["CONFIG", "RESETSTAT"]).unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn backlog_small() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let _replica = primary.replica().unwrap();
        until(&primary, "uptime_in_seconds", |seconds| seconds != "0");
        // Three times the megabyte of the backlog: too small within the first minutes of this server.
        load::strings(&primary, 3, &"x".repeat(1_000_000), |n| format!("blob:{n}"));
        Scene::new(&primary, "redis-backlog-small").mended_and_undone().await;
    }
}

#[tokio::test]
async fn backlog_as_shipped() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let scene = Scene::new(&primary, "redis-config-repl-backlog");
        assert!(!scene.verdict().await.judged, "no replica, no backlog");
        let _replica = primary.replica().unwrap();
        scene.mended_and_undone().await;
    }
}

#[tokio::test]
async fn replica_writable() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let replica = primary.replica_with(|it| it.config("replica-read-only", "no")).unwrap();
        Scene::new(&replica, "redis-replica-writable").mended_and_undone().await;
        let verdict = Scene::new(&primary, "redis-replica-writable").verdict().await;
        assert!(!verdict.judged && verdict.findings.is_empty(), "{verdict:#?}");
    }
}

#[tokio::test]
async fn cluster_unhealthy() {
    let redis = Redis::builder(RedisVersion::V7).config("cluster-enabled", "yes").start().unwrap();
    let scene = Scene::new(&redis, "redis-cluster-unhealthy");
    scene.found_as(Severity::Critical).await;
    redis.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).unwrap();
    let begun = std::time::Instant::now();
    while !redis.cli(&["CLUSTER", "INFO"]).unwrap().contains("cluster_state:ok") {
        assert!(begun.elapsed().as_secs() < 60, "{}", info(&redis, "cluster_enabled"));
    }
    scene.silent().await;
}
