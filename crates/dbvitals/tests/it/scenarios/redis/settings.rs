//! Settings and version.

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisVersion};

use super::{Scene, load};

/// A server with these settings, the finding of which its fix mends and its undo brings back.
async fn mends(check: &'static str, settings: &[(&str, &str)]) {
    for version in RedisVersion::ALL {
        let describe = |builder: dbvitals_testkit::RedisBuilder, (name, value): &(&str, &str)| {
            builder.config(name, value)
        };
        let redis = settings.iter().fold(Redis::builder(version), describe).start().unwrap();
        let finding = Scene::new(&redis, check).mended_and_undone().await;
        assert_eq!(finding.severity, Severity::Info);
    }
}

#[tokio::test]
async fn tcp_keepalive() {
    mends("redis-config-tcp-keepalive", &[("tcp-keepalive", "0")]).await;
}

#[tokio::test]
async fn timeout() {
    mends("redis-config-timeout", &[("timeout", "5")]).await;
    mends("redis-config-timeout", &[("tcp-keepalive", "0")]).await;
}

#[tokio::test]
async fn appendfsync() {
    for fsync in ["always", "no"] {
        let settings = [("appendonly", "yes"), ("appendfsync", fsync)];
        mends("redis-config-appendfsync", &settings).await;
    }
    let settings = [("appendonly", "yes"), ("no-appendfsync-on-rewrite", "yes")];
    mends("redis-config-appendfsync", &settings).await;
}

#[tokio::test]
async fn save_points() {
    mends("redis-config-save", &[("save", "5 1000000")]).await;
}

#[tokio::test]
async fn maxmemory_policy() {
    for (policy, is_cache) in [("noeviction", true), ("allkeys-lru", false)] {
        for version in RedisVersion::ALL {
            let redis = Redis::builder(version)
                .config("maxmemory", "100mb")
                .config("maxmemory-policy", policy)
                .start()
                .unwrap();
            let scene = Scene::new(&redis, "redis-config-maxmemory-policy").cache(is_cache);
            scene.mended_and_undone().await;
        }
    }
}

#[tokio::test]
async fn tcp_backlog() {
    let redis = Redis::builder(RedisVersion::V7).config("tcp-backlog", "64").start().unwrap();
    Scene::new(&redis, "redis-config-tcp-backlog").found_as(Severity::Info).await;
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    Scene::new(&redis, "redis-config-tcp-backlog").silent().await;
}

#[tokio::test]
async fn lazyfree() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let scene = Scene::new(&redis, "redis-config-lazyfree");
        scene.silent().await;
        load::hash(&redis, "board", 12_000);
        scene.mended_and_undone().await;
    }
}

#[tokio::test]
async fn version_end_of_life() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let scene = Scene::new(&redis, "redis-version-end-of-life");
    scene.found_as(Severity::Warning).await;
}

/// A server as it is shipped, on loopback, with save points: what every developer has.
#[tokio::test]
async fn a_server_as_it_is_shipped_has_no_critical_findings() {
    for version in RedisVersion::ALL {
        let redis =
            Redis::builder(version).config("save", "3600 1 300 100 60 10000").start().unwrap();
        let verdict = Scene::new(&redis, "redis-*").verdict().await;
        let loud: Vec<_> = verdict
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Info)
            .map(|finding| finding.check.as_str())
            .filter(|check| !check.starts_with("redis-version-"))
            .collect();
        assert_eq!(loud, ["redis-no-memory-limit"], "{verdict:#?}");
    }
}
