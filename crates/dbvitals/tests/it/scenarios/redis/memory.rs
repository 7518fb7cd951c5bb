//! Memory and eviction.

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisVersion};

use super::{Scene, info, load, until};

#[tokio::test]
async fn memory_near_limit() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("maxmemory", "10mb").start().unwrap();
        load::strings(&redis, 8, &"x".repeat(1_000_000), |n| format!("blob:{n}"));
        Scene::new(&redis, "redis-memory-near-limit").mended_and_undone().await;
    }
}

#[tokio::test]
async fn no_memory_limit() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let scene = Scene::new(&redis, "redis-no-memory-limit");
        let finding = scene.mended_and_undone().await;
        assert_eq!(finding.severity, Severity::Warning);
        // What was rewritten to the configuration file outlives a restart.
        scene.run(&finding.fix.unwrap().statements);
        redis.stop().unwrap();
        redis.start().unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn eviction_policy_mismatch() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .config("maxmemory", "4mb")
            .config("maxmemory-policy", "volatile-lru")
            .start()
            .unwrap();
        load::strings(&redis, 2000, &"x".repeat(600), |n| format!("page:{n}"));
        let scene = Scene::new(&redis, "redis-eviction-policy-mismatch");
        scene.found_as(Severity::Critical).await;
        scene.mended_and_undone().await;
    }
}

#[tokio::test]
async fn evictions() {
    let redis = Redis::builder(RedisVersion::V7)
        .config("maxmemory", "3mb")
        .config("maxmemory-policy", "allkeys-lru")
        .start()
        .unwrap();
    load::strings(&redis, 10_000, &"x".repeat(500), |n| format!("page:{n}"));
    assert_ne!(info(&redis, "evicted_keys"), "0");
    // A cache gives keys up; a store loses them.
    Scene::new(&redis, "redis-evictions").found_as(Severity::Info).await;
    Scene::new(&redis, "redis-evictions").cache(false).found_as(Severity::Warning).await;
    // What happened before the window is past.
    Scene::new(&redis, "redis-evictions").window(50).silent().await;
    let mut connection = redis.connection().unwrap();
    let mut n = 0;
    let value = "x".repeat(500);
    let writer = load::Busy::with(move || {
        n += 1;
        connection.command(&["SET", &format!("more:{n}"), &value]).unwrap();
    });
    let scene = Scene::new(&redis, "redis-evictions").window(300);
    scene.cache(false).found_as(Severity::Critical).await;
    drop(writer);
}

#[tokio::test]
async fn client_buffers() {
    let redis = Redis::builder(RedisVersion::V7).config("maxmemory", "200mb").start().unwrap();
    redis.cli(&["SET", "blob", &"x".repeat(1_000_000)]).unwrap();
    // A client that asks for much and reads nothing.
    let mut deaf = redis.connection().unwrap();
    for _ in 0..40 {
        deaf.send(&["GET", "blob"]).unwrap();
    }
    let much = |bytes: &str| bytes.parse::<i64>().unwrap() > 30_000_000;
    until(&redis, "mem_clients_normal", much);
    let scene = Scene::new(&redis, "redis-client-buffers");
    let finding = scene.found_as(Severity::Warning).await;
    scene.run(&finding.fix.unwrap().statements);
    until(&redis, "evicted_clients", |clients| clients == "1");
    until(&redis, "mem_clients_normal", |bytes| !much(bytes));
    scene.silent().await;
}

#[tokio::test]
async fn client_buffers_before_7() {
    let redis = Redis::builder(RedisVersion::V6_2).start().unwrap();
    redis.cli(&["SET", "blob", &"x".repeat(1_000_000)]).unwrap();
    let mut deaf = redis.connection().unwrap();
    for _ in 0..40 {
        deaf.send(&["GET", "blob"]).unwrap();
    }
    let much = |bytes: &str| bytes.parse::<i64>().unwrap() > 30_000_000;
    until(&redis, "mem_clients_normal", much);
    let scene = Scene::new(&redis, "redis-client-buffers");
    let finding = scene.found_as(Severity::Warning).await;
    let fix = finding.fix.unwrap();
    scene.run(&fix.statements);
    let limits = redis.cli(&["CONFIG", "GET", "client-output-buffer-limit"]).unwrap();
    assert!(limits.contains("normal 268435456 67108864 60 slave 268435456"), "{limits}");
    scene.run(&fix.undo);
    let limits = redis.cli(&["CONFIG", "GET", "client-output-buffer-limit"]).unwrap();
    assert!(limits.contains("normal 0 0 0 slave 268435456"), "{limits}");
    drop(deaf);
    until(&redis, "mem_clients_normal", |bytes| !much(bytes));
    scene.silent().await;
}

#[tokio::test]
async fn replica_buffers() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let replica = primary.replica().unwrap();
        let scene = Scene::new(&primary, "redis-replica-buffers");
        scene.silent().await;
        replica.freeze().unwrap();
        load::strings(&primary, 40, &"x".repeat(1_000_000), |n| format!("blob:{n}"));
        let much = |bytes: &str| bytes.parse::<i64>().unwrap() > 11_000_000;
        until(&primary, "mem_clients_slaves", much);
        scene.found_as(Severity::Warning).await;
        replica.thaw().unwrap();
        primary.wait_for_replica(&replica).unwrap();
        until(&primary, "mem_clients_slaves", |bytes| !much(bytes));
        scene.silent().await;
    }
}

#[tokio::test]
async fn script_cache() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let mut connection = redis.connection().unwrap();
        for n in 0..1001 {
            connection.command(&["EVAL", &format!("return {n}"), "0"]).unwrap();
        }
        Scene::new(&redis, "redis-script-cache").mended().await;
    }
}

#[tokio::test]
async fn memory_overhead() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    load::strings(&redis, 100_000, "1", |n| format!("k:{n}"));
    let scene = Scene::new(&redis, "redis-memory-overhead").limit("min_used_bytes", 5_242_880.0);
    let finding = scene.found_as(Severity::Info).await;
    assert!(finding.message.contains("key tables"), "{}", finding.message);
    redis.cli(&["FLUSHALL"]).unwrap();
    scene.silent().await;
}

#[tokio::test]
async fn peak_memory() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        load::strings(&redis, 8, &"x".repeat(1_000_000), |n| format!("stays:{n}"));
        load::strings(&redis, 1, &"x".repeat(30_000_000), |n| format!("goes:{n}"));
        redis.cli(&["DEL", "goes:0"]).unwrap();
        let scene = Scene::new(&redis, "redis-peak-memory");
        scene.found_as(Severity::Info).await;
        redis.stop().unwrap();
        redis.start().unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn figures_of_a_small_server_mean_nothing() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        for check in ["redis-fragmentation", "redis-swapping", "redis-memory-overhead"] {
            Scene::new(&redis, check).silent().await;
        }
        let allocator = Scene::new(&redis, "redis-allocator-fragmentation").verdict().await;
        assert_eq!(allocator.findings, []);
    }
}

#[tokio::test]
async fn cache_thrash() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .config("maxmemory", "3mb")
            .config("maxmemory-policy", "allkeys-lru")
            .start()
            .unwrap();
        let scene = || {
            let scene = Scene::new(&redis, "redis-cache-thrash").limit("min_lookups", 100.0);
            scene.window(500)
        };
        // What is read in turn is gone before its turn comes again.
        let mut connection = redis.connection().unwrap();
        let (mut n, page) = (0, "x".repeat(500));
        let reader = load::Busy::with(move || {
            n = (n + 1) % 20_000;
            let name = format!("page:{n}");
            if connection.command(&["GET", &name]).unwrap().text().is_empty() {
                connection.command(&["SET", &name, &page]).unwrap();
            }
        });
        until(&redis, "evicted_keys", |evicted| evicted.parse::<i64>().unwrap() > 100);
        scene().found_as(Severity::Warning).await;
        redis.cli(&["CONFIG", "SET", "maxmemory", "100mb"]).unwrap();
        scene().silent().await;
        drop(reader);
    }
}
