//! Clusters too small or too thin, and what a Sentinel sees.

use std::time::{Duration, Instant};

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisVersion};

use super::{Scene, until};

/// A node that serves these slots.
fn node(version: RedisVersion, slots: std::ops::Range<u32>) -> Redis {
    let redis = Redis::builder(version).config("cluster-enabled", "yes").start().unwrap();
    // Ranges came with 7.0.
    let numbers: Vec<String> = slots.map(|slot| slot.to_string()).collect();
    if !numbers.is_empty() {
        let words = ["CLUSTER", "ADDSLOTS"].into_iter().chain(numbers.iter().map(String::as_str));
        redis.cli(&words.collect::<Vec<_>>()).unwrap();
    }
    redis
}

/// Makes two nodes know each other.
fn meet(one: &Redis, other: &Redis) {
    one.cli(&["CLUSTER", "MEET", "127.0.0.1", &other.port().to_string()]).unwrap();
}

/// Asks again until `CLUSTER INFO` holds a line.
fn until_cluster(redis: &Redis, line: &str) {
    let begun = Instant::now();
    loop {
        let told = redis.cli(&["CLUSTER", "INFO"]).unwrap();
        if told.lines().any(|it| it.trim_end() == line) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no {line}: {told}");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn cluster_node_without_replica() {
    for version in RedisVersion::ALL {
        let (alone, other) = (node(version, 0..16_384), node(version, 0..0));
        let scene = Scene::new(&alone, "redis-cluster-node-without-replica");
        scene.silent().await;
        meet(&alone, &other);
        until_cluster(&alone, "cluster_known_nodes:2");
        until_cluster(&other, "cluster_known_nodes:2");
        scene.found_as(Severity::Warning).await;
        let id = alone.cli(&["CLUSTER", "MYID"]).unwrap();
        let begun = Instant::now();
        // Until the other node has heard of the slots it refuses.
        while other.cli(&["CLUSTER", "REPLICATE", &id]).is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "{}", other.log_text());
        }
        until(&alone, "connected_slaves", |replicas| replicas == "1");
        scene.silent().await;
    }
}

#[tokio::test]
async fn cluster_without_majority() {
    for version in RedisVersion::ALL {
        let (one, two) = (node(version, 0..5000), node(version, 5000..10_000));
        meet(&one, &two);
        until_cluster(&one, "cluster_size:2");
        let scene = Scene::new(&one, "redis-cluster-without-majority");
        scene.found_as(Severity::Warning).await;
        let three = node(version, 10_000..16_384);
        meet(&one, &three);
        until_cluster(&one, "cluster_size:3");
        scene.silent().await;
    }
}

/// Asks again until what a Sentinel tells of its primary satisfies.
fn until_seen(sentinel: &Redis, satisfies: impl Fn(&str) -> bool) {
    let begun = Instant::now();
    loop {
        let told = sentinel.info("sentinel").unwrap();
        if told.lines().any(|line| line.starts_with("master0:") && satisfies(line)) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{told}");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn sentinel_unhealthy() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let replica = primary.replica().unwrap();
        let sentinel = Redis::builder(version).sentinel_of("shop", &primary, 2).start().unwrap();
        until_seen(&sentinel, |line| line.contains("slaves=1"));
        let scene = Scene::new(&sentinel, "redis-sentinel-unhealthy");
        let finding = scene.found_as(Severity::Warning).await;
        assert!(finding.message.contains("only 1 Sentinel"), "{}", finding.message);
        let scene = Scene::new(&sentinel, "redis-sentinel-unhealthy").limit("min_sentinels", 1.0);
        scene.silent().await;
        primary.stop().unwrap();
        until_seen(&sentinel, |line| line.contains("status=sdown"));
        let finding = scene.found_as(Severity::Critical).await;
        assert_eq!(finding.subject.name, "shop");
        primary.start().unwrap();
        until_seen(&sentinel, |line| line.contains("status=ok"));
        scene.silent().await;
        // A server of data is not asked.
        let verdict = Scene::new(&replica, "redis-sentinel-unhealthy").verdict().await;
        assert!(!verdict.judged && verdict.findings.is_empty(), "{verdict:#?}");
    }
}
