//! Slow commands, latency and CPU.

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisBuilder, RedisVersion};

use super::{Scene, info, load, until};

/// A server that lets us sleep in it: before 7.0 every server does.
fn sleepy(version: RedisVersion) -> RedisBuilder {
    let builder = Redis::builder(version);
    match version {
        RedisVersion::V6_2 => builder,
        RedisVersion::V7 => builder.config("enable-debug-command", "local"),
    }
}

#[tokio::test]
async fn slow_command() {
    for version in RedisVersion::ALL {
        let redis = sleepy(version).start().unwrap();
        redis.cli(&["DEBUG", "SLEEP", "0.02"]).unwrap();
        let scene = Scene::new(&redis, "redis-slow-command");
        let finding = scene.found_as(Severity::Warning).await;
        assert_eq!(finding.subject.name, "debug");
        redis.cli(&["SLOWLOG", "RESET"]).unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn blocking_command() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        load::strings(&redis, 1500, "1", |n| format!("page:{n}"));
        let scene = Scene::new(&redis, "redis-blocking-command");
        scene.silent().await;
        redis.cli(&["KEYS", "nothing:*"]).unwrap();
        let finding = scene.found_as(Severity::Warning).await;
        assert_eq!(finding.subject.name, "keys");
        redis.cli(&["CONFIG", "RESETSTAT"]).unwrap();
        scene.silent().await;
        let _busy = load::Busy::repeating(&redis, &["KEYS", "nothing:*"]);
        let scene = Scene::new(&redis, "redis-blocking-command").window(300);
        let finding = scene.found_as(Severity::Warning).await;
        assert!(!finding.message.contains("since the start"), "{}", finding.message);
    }
}

#[tokio::test]
async fn command_latency() {
    let redis = sleepy(RedisVersion::V7).start().unwrap();
    for _ in 0..20 {
        redis.cli(&["DEBUG", "SLEEP", "0.006"]).unwrap();
    }
    let scene = Scene::new(&redis, "redis-command-latency").limit("min_calls", 20.0);
    let finding = scene.found_as(Severity::Warning).await;
    assert_eq!(finding.subject.name, "debug");
    redis.cli(&["CONFIG", "RESETSTAT"]).unwrap();
    scene.silent().await;
}

#[tokio::test]
async fn latency_event() {
    for version in RedisVersion::ALL {
        let redis = sleepy(version).config("latency-monitor-threshold", "1").start().unwrap();
        redis.cli(&["DEBUG", "SLEEP", "0.02"]).unwrap();
        let scene = Scene::new(&redis, "redis-latency-event");
        let finding = scene.found_as(Severity::Warning).await;
        assert_eq!(finding.subject.name, "command");
        redis.cli(&["LATENCY", "RESET"]).unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn latency_monitor_off() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        Scene::new(&redis, "redis-latency-monitor-off").mended_and_undone().await;
    }
}

#[tokio::test]
async fn slowlog_blind() {
    for version in RedisVersion::ALL {
        for (name, value) in [
            ("slowlog-log-slower-than", "-1"),
            ("slowlog-log-slower-than", "50000"),
            ("slowlog-max-len", "0"),
        ] {
            let redis = Redis::builder(version).config(name, value).start().unwrap();
            let finding = Scene::new(&redis, "redis-slowlog-blind").mended_and_undone().await;
            assert_eq!(finding.subject.name, name);
        }
    }
}

#[tokio::test]
async fn a_slow_log_that_fills_at_once_forgets() {
    let redis = Redis::builder(RedisVersion::V7)
        .config("slowlog-log-slower-than", "0")
        .config("slowlog-max-len", "5")
        .start()
        .unwrap();
    let mut connection = redis.connection().unwrap();
    for _ in 0..9 {
        connection.command(&["PING"]).unwrap();
    }
    // Our own look must not push the others out.
    redis.cli(&["CONFIG", "SET", "slowlog-log-slower-than", "10000"]).unwrap();
    let finding = Scene::new(&redis, "redis-slowlog-blind").mended().await;
    assert_eq!(finding.subject.name, "slowlog-max-len");
}

#[tokio::test]
async fn fork_slow() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let scene = Scene::new(&redis, "redis-fork-slow").limit("warning_ms", 0.001);
    scene.silent().await;
    redis.cli(&["BGSAVE"]).unwrap();
    until(&redis, "latest_fork_usec", |micros| micros != "0");
    scene.found_as(Severity::Warning).await;
    // A fork of a small server is quick.
    assert!(info(&redis, "latest_fork_usec").parse::<f64>().unwrap() < 1e6);
}

#[tokio::test]
async fn cpu() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let scene = || Scene::new(&redis, "redis-cpu").limit("warning_ratio", 0.03).window(400);
        let busy = load::Busy::repeating(&redis, &["EVAL", "for i = 1, 300000 do end", "0"]);
        let finding = scene().found().await;
        assert!(finding.evidence.iter().any(|e| e.label == "time of eval"), "{finding:#?}");
        drop(busy);
        scene().silent().await;
    }
}

#[tokio::test]
async fn errors() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("maxmemory", "1").start().unwrap();
        redis.cli(&["SET", "a", "1"]).unwrap_err();
        let finding = Scene::new(&redis, "redis-errors").found_as(Severity::Warning).await;
        assert_eq!(finding.subject.name, "OOM");
        // None of them came within the window.
        Scene::new(&redis, "redis-errors").window(50).silent().await;
    }
}

#[tokio::test]
async fn large_replies() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        redis.cli(&["SET", "blob", &"x".repeat(1_000_000)]).unwrap();
        let scene = || {
            let scene = Scene::new(&redis, "redis-large-replies");
            scene.limit("rate_bytes_per_second", 1_000_000.0).window(300)
        };
        let reader = load::Busy::repeating(&redis, &["GET", "blob"]);
        scene().found_as(Severity::Warning).await;
        drop(reader);
        let reader = load::Busy::repeating(&redis, &["STRLEN", "blob"]);
        scene().silent().await;
        drop(reader);
    }
}
