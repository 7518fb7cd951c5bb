//! Keys and their expiry.

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisVersion};

use super::{Scene, load, until};

/// While somebody writes nothing but keys that end at once, most of what expires has expired.
#[tokio::test]
async fn stale_expired_keys() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("hz", "100").start().unwrap();
        let scene =
            || Scene::new(&redis, "redis-stale-expired-keys").limit("min_expiring_keys", 1.0);
        scene().silent().await;
        // The names come round, so that the writer cannot fill the memory.
        let script = "for n = 1, 5000 do redis.call('set', 'k:' .. n, n, 'px', 1) end";
        let mut connection = redis.connection().unwrap();
        let writer = load::Busy::with(move || {
            connection.command(&["EVAL", script, "0"]).unwrap();
        });
        let share = |text: &str| text.parse::<f64>().unwrap();
        until(&redis, "expired_stale_perc", |text| share(text) > 30.0);
        let finding = scene().found().await;
        scene().run(&finding.fix.unwrap().statements);
        let effort = redis.cli(&["CONFIG", "GET", "active-expire-effort"]).unwrap();
        assert_eq!(effort, "active-expire-effort\n4");
        drop(writer);
        until(&redis, "expired_stale_perc", |text| share(text) < 10.0);
        scene().silent().await;
    }
}

#[tokio::test]
async fn low_hit_ratio() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        redis.cli(&["SET", "there", "1"]).unwrap();
        let scene = || Scene::new(&redis, "redis-low-hit-ratio").limit("min_lookups", 100.0);
        let reader = load::Busy::repeating(&redis, &["MGET", "a", "b", "c", "d", "there"]);
        scene().window(300).cache(true).found_as(Severity::Critical).await;
        scene().window(300).found_as(Severity::Warning).await;
        // Without a window the lifetime ratio is no evidence.
        let skipped = scene().cache(true).verdict().await.skipped;
        assert_eq!(skipped[0].remedy.as_deref(), Some("run with --interval 10s"));
        drop(reader);
        let reader = load::Busy::repeating(&redis, &["MGET", "there", "there", "there"]);
        scene().window(300).cache(true).silent().await;
        drop(reader);
    }
}

#[tokio::test]
async fn keys_without_ttl() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        load::strings(&redis, 1200, "value", |n| format!("page:{n}"));
        let scene = Scene::new(&redis, "redis-keys-without-ttl").cache(true);
        let finding = scene.found_as(Severity::Warning).await;
        assert!(finding.subject.name.starts_with("page:"), "{finding:#?}");
        let mut connection = redis.connection().unwrap();
        for n in 0..1200 {
            connection.command(&["EXPIRE", &format!("page:{n}"), "3600"]).unwrap();
        }
        scene.silent().await;
    }
}

#[tokio::test]
async fn a_store_may_keep_its_keys() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    load::strings(&redis, 1200, "value", |n| format!("order:{n}"));
    let verdict = Scene::new(&redis, "redis-keys-without-ttl").verdict().await;
    assert!(!verdict.judged && verdict.findings.is_empty(), "{verdict:#?}");
}

#[tokio::test]
async fn ttl_stampede() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    load::strings(&redis, 600, "value", |n| format!("page:{n}"));
    let mut connection = redis.connection().unwrap();
    for n in 0..600 {
        connection.command(&["EXPIRE", &format!("page:{n}"), "3600"]).unwrap();
    }
    until(&redis, "db0", |db| !db.ends_with("avg_ttl=0"));
    let scene = Scene::new(&redis, "redis-ttl-stampede");
    scene.found_as(Severity::Warning).await;
    for n in 0..600 {
        let spread = (600 + n * 10).to_string();
        connection.command(&["EXPIRE", &format!("page:{n}"), &spread]).unwrap();
    }
    scene.silent().await;
}

#[tokio::test]
async fn big_key() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        load::hash(&redis, "board:1", 12_000);
        load::hash(&redis, "board:2", 500);
        let scene = Scene::new(&redis, "redis-big-key");
        let finding = scene.found_as(Severity::Warning).await;
        assert_eq!(finding.subject.name, "board:1");
        redis.cli(&["UNLINK", "board:1"]).unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn long_key_names() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let long = "tenant:customer:account:subscription:device:session:".repeat(3);
    load::strings(&redis, 2000, "1", |n| format!("{long}{n}"));
    let scene = Scene::new(&redis, "redis-long-key-names").limit("min_saved_bytes", 100_000.0);
    scene.found_as(Severity::Info).await;
    redis.cli(&["FLUSHALL"]).unwrap();
    load::strings(&redis, 2000, "1", |n| format!("s:{n}"));
    scene.silent().await;
}

#[tokio::test]
async fn many_small_strings() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    load::strings(&redis, 100_500, "1", |n| format!("flag:{n}"));
    let scene = Scene::new(&redis, "redis-many-small-strings");
    let finding = scene.found_as(Severity::Info).await;
    assert!(finding.message.starts_with("about "), "a sample says so: {}", finding.message);
    redis.cli(&["FLUSHALL"]).unwrap();
    scene.silent().await;
}

#[tokio::test]
async fn multiple_databases() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        redis.cli(&["SET", "a", "1"]).unwrap();
        let mut connection = redis.connection().unwrap();
        connection.command(&["SELECT", "3"]).unwrap();
        connection.command(&["SET", "b", "1"]).unwrap();
        let scene = Scene::new(&redis, "redis-multiple-databases");
        scene.found_as(Severity::Info).await;
        connection.command(&["FLUSHDB"]).unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn encoding_overflow() {
    for (version, name) in [
        (RedisVersion::V6_2, "hash-max-ziplist-entries"),
        (RedisVersion::V7, "hash-max-listpack-entries"),
    ] {
        let redis = Redis::builder(version).config(name, "64").start().unwrap();
        for n in 0..20 {
            load::hash(&redis, &format!("cart:{n}"), 100);
        }
        let scene =
            Scene::new(&redis, "redis-encoding-overflow").limit("min_saved_bytes", 50_000.0);
        let finding = scene.found_as(Severity::Info).await;
        assert!(finding.subject.name.starts_with("cart:"), "{finding:#?}");
        redis.cli(&["CONFIG", "SET", name, "128"]).unwrap();
        redis.cli(&["FLUSHALL"]).unwrap();
        for n in 0..20 {
            load::hash(&redis, &format!("cart:{n}"), 100);
        }
        scene.silent().await;
    }
}

#[tokio::test]
async fn pattern_low_hit_ratio() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        redis.cli(&["HSET", "stats:cards", "hits", "600", "misses", "1400"]).unwrap();
        let scene = Scene::new(&redis, "redis-pattern-low-hit-ratio");
        scene.found_as(Severity::Warning).await;
        redis.cli(&["HSET", "stats:cards", "hits", "60000"]).unwrap();
        scene.silent().await;
    }
}

#[tokio::test]
async fn hot_key() {
    for version in RedisVersion::ALL {
        let lfu = |factor: &str| {
            let builder = Redis::builder(version).config("maxmemory-policy", "allkeys-lfu");
            builder.config("lfu-log-factor", factor).start().unwrap()
        };
        let redis = lfu("100");
        redis.cli(&["SET", "hot", "1"]).unwrap();
        let reader = load::Busy::repeating(&redis, &["GET", "hot"]);
        let count = |redis: &Redis| redis.cli(&["OBJECT", "FREQ", "hot"]).unwrap();
        while count(&redis).parse::<i64>().unwrap() < 10 {
            tokio::task::yield_now().await;
        }
        drop(reader);
        // What the counter stands for is a matter of minutes; the load of this moment is not, so its limit is lowered.
        let scene = Scene::new(&redis, "redis-hot-key").limit("min_load_per_second", 1.0);
        let scene = scene.limit("critical_ratio", 1.0).limit("warning_ratio", 0.000_01);
        let load = load::Busy::repeating(&redis, &["PING"]);
        until(&redis, "instantaneous_ops_per_sec", |ops| {
            ops.parse::<i64>().is_ok_and(|ops| ops > 10)
        });
        let verdict = scene.verdict().await;
        assert!(verdict.findings.iter().any(|it| it.subject.name == "hot"), "{verdict:#?}");
        drop(load);
        redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).unwrap();
        assert!(scene.verdict().await.findings.is_empty(), "without counters nothing is known");
    }
}
