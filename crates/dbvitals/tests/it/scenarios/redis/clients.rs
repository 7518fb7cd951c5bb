//! Client connections.

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisVersion};

use super::{Scene, load, told, until};

#[tokio::test]
async fn clients_near_limit() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("maxclients", "10").start().unwrap();
        let pool: Vec<_> = (0..7).map(|_| redis.connection().unwrap()).collect();
        // Ours is the eighth.
        let scene = Scene::new(&redis, "redis-clients-near-limit");
        let finding = scene.mended_and_undone().await;
        assert_eq!(finding.severity, Severity::Warning);
        drop(pool);
    }
}

#[tokio::test]
async fn rejected_connections() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("maxclients", "3").start().unwrap();
        let mut pool: Vec<_> = (0..3).map(|_| redis.connection().unwrap()).collect();
        let mut refused = redis.connection().unwrap();
        refused.command(&["PING"]).unwrap_err();
        pool.truncate(1);
        let asked = pool[0].command(&["INFO", "stats"]).unwrap().text();
        assert!(!asked.contains("rejected_connections:0"), "{asked}");
        let begun = std::time::Instant::now();
        while !pool[0].command(&["INFO", "clients"]).unwrap().text().contains("connected_clients:1")
        {
            assert!(begun.elapsed().as_secs() < 60, "connections stay");
        }
        let finding = Scene::new(&redis, "redis-rejected-connections").found().await;
        assert_eq!(finding.severity, Severity::Warning);
        let scene = Scene::new(&redis, "redis-rejected-connections").window(50);
        scene.run(&finding.fix.unwrap().statements);
        let limit = redis.cli(&["CONFIG", "GET", "maxclients"]).unwrap();
        assert_eq!(limit, "maxclients\n6");
        // What was refused before the window is past.
        scene.silent().await;
    }
}

#[tokio::test]
async fn blocked_clients() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let scene = || Scene::new(&redis, "redis-blocked-clients").limit("min_blocked", 5.0);
    let mut workers: Vec<_> = (0..6).map(|_| redis.connection().unwrap()).collect();
    for worker in &mut workers {
        worker.send(&["BLPOP", "queue", "0"]).unwrap();
    }
    until(&redis, "blocked_clients", |count| count == "6");
    let finding = scene().found_as(Severity::Info).await;
    assert!(finding.evidence.iter().any(|e| e.label == "waiting in blpop"), "{finding:#?}");
    drop(workers);
    until(&redis, "blocked_clients", |count| count == "0");
    scene().silent().await;
}

#[tokio::test]
async fn idle_clients() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let mut pool: Vec<_> = (0..4).map(|_| redis.connection().unwrap()).collect();
        for connection in &mut pool {
            connection.command(&["PING"]).unwrap();
        }
        let scene = Scene::new(&redis, "redis-idle-clients")
            .limit("idle_seconds", 1.0)
            .limit("min_clients", 4.0);
        scene.silent().await;
        let begun = std::time::Instant::now();
        while idle_for_long(&redis.cli(&["CLIENT", "LIST"]).unwrap()) < 4 {
            assert!(begun.elapsed().as_secs() < 60, "nobody idles");
        }
        let finding = scene.found_as(Severity::Info).await;
        scene.run(&finding.fix.unwrap().statements);
        scene.silent().await;
    }
}

/// Clients that were idle for more than a second.
fn idle_for_long(list: &str) -> usize {
    let words = list.split_ascii_whitespace().filter_map(|word| word.strip_prefix("idle="));
    words.filter(|seconds| seconds.parse::<u32>().unwrap() > 1).count()
}

#[tokio::test]
async fn connection_churn() {
    let redis = std::sync::Arc::new(Redis::builder(RedisVersion::V7).start().unwrap());
    let server = std::sync::Arc::clone(&redis);
    let churn = load::Busy::with(move || {
        server.cli(&["PING"]).unwrap();
    });
    let scene = || Scene::new(&redis, "redis-connection-churn").window(300);
    scene().found_as(Severity::Warning).await;
    drop(churn);
    let pooled = load::Busy::repeating(&redis, &["PING"]);
    scene().silent().await;
    drop(pooled);
}

#[tokio::test]
async fn monitor_running() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let mut watcher = redis.connection().unwrap();
        watcher.command(&["MONITOR"]).unwrap();
        Scene::new(&redis, "redis-monitor-running").silent().await;
        let scene = Scene::new(&redis, "redis-monitor-running").limit("age_seconds", 0.0);
        let finding = scene.mended().await;
        assert_eq!(finding.severity, Severity::Warning);
    }
}

/// Redis counts these from 7.2 on: on 7.0 the count is replaced by that of the lines in its log.
#[tokio::test]
async fn output_buffer_disconnects() {
    let redis = Redis::builder(RedisVersion::V7)
        .config("client-output-buffer-limit", "pubsub 1mb 1mb 0")
        .start()
        .unwrap();
    let counted = |snapshot| {
        let closed = redis.log_text().matches("overcoming of output buffer limits").count();
        told(&snapshot, "client_output_buffer_limit_disconnections", &closed.to_string())
    };
    let scene = Scene::new(&redis, "redis-output-buffer-disconnects");
    let before = scene.judged(&counted(scene.snapshot().await));
    assert!(before.judged && before.findings.is_empty(), "{before:#?}");
    // Subscribes, and reads nothing.
    let mut deaf = redis.connection().unwrap();
    deaf.send(&["SUBSCRIBE", "news"]).unwrap();
    until(&redis, "pubsub_channels", |channels| channels == "1");
    let mut publisher = redis.connection().unwrap();
    let page = "x".repeat(500_000);
    while publisher.command(&["PUBLISH", "news", &page]).unwrap().text() != "0" {}
    let after = scene.judged(&counted(scene.snapshot().await));
    assert_eq!(after.findings.len(), 1, "{after:#?}");
    assert_eq!(after.findings[0].severity, Severity::Warning);
    // What counts them forgets them with the rest.
    redis.cli(&["CONFIG", "RESETSTAT"]).unwrap();
    let field = "client_output_buffer_limit_disconnections";
    let reset = scene.judged(&told(&scene.snapshot().await, field, "0"));
    assert!(reset.judged && reset.findings.is_empty(), "{reset:#?}");
}

#[tokio::test]
async fn clients_evicted() {
    let redis =
        Redis::builder(RedisVersion::V7).config("maxmemory-clients", "4mb").start().unwrap();
    redis.cli(&["SET", "blob", &"x".repeat(1_000_000)]).unwrap();
    let scene = Scene::new(&redis, "redis-clients-evicted");
    scene.silent().await;
    // A client that asks for much and reads nothing.
    let mut deaf = redis.connection().unwrap();
    for _ in 0..40 {
        // It may be closed before it has asked for everything.
        if deaf.send(&["GET", "blob"]).is_err() {
            break;
        }
    }
    until(&redis, "evicted_clients", |clients| clients == "1");
    scene.found_as(Severity::Warning).await;
    // None of them came within the window.
    Scene::new(&redis, "redis-clients-evicted").window(50).silent().await;
    redis.cli(&["CONFIG", "RESETSTAT"]).unwrap();
    scene.silent().await;
}
