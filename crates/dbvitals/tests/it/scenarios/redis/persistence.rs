//! Snapshots and the append-only file.

use dbvitals_model::Severity;
use dbvitals_testkit::{Redis, RedisVersion};

use super::{Scene, info, load, told, until};
use crate::scenarios::host::machine::Files;

#[tokio::test]
async fn save_failing() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        // A folder in the place of the file cannot be replaced by one.
        let obstacle = redis.folder().join("dump.rdb");
        std::fs::create_dir(&obstacle).unwrap();
        redis.cli(&["SET", "a", "1"]).unwrap();
        redis.cli(&["BGSAVE"]).unwrap();
        until(&redis, "rdb_last_bgsave_status", |status| status == "err");
        let scene = Scene::new(&redis, "redis-save-failing");
        let finding = scene.found_as(Severity::Critical).await;
        std::fs::remove_dir(&obstacle).unwrap();
        scene.run(&finding.fix.unwrap().statements);
        until(&redis, "rdb_last_bgsave_status", |status| status == "ok");
        scene.silent().await;
    }
}

#[tokio::test]
async fn aof_failing() {
    let redis = Redis::builder(RedisVersion::V7).config("appendonly", "yes").start().unwrap();
    let scene = Scene::new(&redis, "redis-aof-failing");
    scene.silent().await;
    let obstacle = redis.folder().join("appendonlydir/appendonly.aof.2.base.rdb");
    std::fs::create_dir(&obstacle).unwrap();
    redis.cli(&["BGREWRITEAOF"]).unwrap();
    until(&redis, "aof_last_bgrewrite_status", |status| status == "err");
    let finding = scene.found_as(Severity::Critical).await;
    std::fs::remove_dir(&obstacle).unwrap();
    scene.run(&finding.fix.unwrap().statements);
    until(&redis, "aof_last_bgrewrite_status", |status| status == "ok");
    scene.silent().await;
}

/// A disk that takes seconds to sync cannot be made here: the count of delays is replaced. The file is real.
#[tokio::test]
async fn aof_fsync_delayed() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("appendonly", "yes").start().unwrap();
        redis.cli(&["SET", "a", "1"]).unwrap();
        let scene = Scene::new(&redis, "redis-aof-fsync-delayed");
        let seen = scene.snapshot().await;
        let truth = scene.judged(&seen);
        assert!(truth.judged, "{truth:#?}");
        let slow = scene.judged(&told(&seen, "aof_delayed_fsync", "9"));
        assert_eq!(slow.findings.len(), 1, "{slow:#?}");
        assert_eq!(slow.findings[0].severity, Severity::Warning);
        let quick = scene.judged(&told(&seen, "aof_delayed_fsync", "0"));
        assert!(quick.judged && quick.findings.is_empty(), "{quick:#?}");
        // Without the file there is nothing to wait for, whatever was counted before.
        redis.cli(&["CONFIG", "SET", "appendonly", "no"]).unwrap();
        let without = scene.judged(&told(&scene.snapshot().await, "aof_delayed_fsync", "9"));
        assert_eq!(without.findings, []);
    }
}

/// The copy is real; the memory left is replaced, since to fill this machine's would harm others.
#[tokio::test]
async fn copy_on_write_exceeds_memory() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let scene = Scene::new(&redis, "redis-copy-on-write-exceeds-memory");
        load::strings(&redis, 1000, "1", |n| format!("order:{n}"));
        redis.cli(&["BGSAVE"]).unwrap();
        until(&redis, "rdb_last_bgsave_time_sec", |seconds| seconds != "-1");
        until(&redis, "rdb_last_cow_size", |bytes| bytes != "0");
        let seen = scene.snapshot().await;
        let mut machine = Files::read();
        let truth = machine.below(&seen);
        machine.set("/proc/meminfo", "MemAvailable", "1 kB");
        let short = scene.judged(&machine.below(&seen));
        assert_eq!(short.findings.len(), 1, "{short:#?}");
        assert_eq!(short.findings[0].severity, Severity::Critical);
        let enough = scene.judged(&truth);
        assert!(enough.judged && enough.findings.is_empty(), "{enough:#?}");
    }
}

#[tokio::test]
async fn snapshot_old() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("save", "86400 1000000").start().unwrap();
        redis.cli(&["SET", "a", "1"]).unwrap();
        Scene::new(&redis, "redis-snapshot-old").silent().await;
        // Any age is too old here; the change is what matters.
        let scene = Scene::new(&redis, "redis-snapshot-old").limit("age_seconds", -1.0);
        let finding = scene.found_as(Severity::Warning).await;
        scene.run(&finding.fix.unwrap().statements);
        until(&redis, "rdb_changes_since_last_save", |changes| changes == "0");
        scene.silent().await;
    }
}

#[tokio::test]
async fn no_persistence() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        load::strings(&redis, 200, "1", |n| format!("order:{n}"));
        let finding = Scene::new(&redis, "redis-no-persistence").mended_and_undone().await;
        assert_eq!(finding.severity, Severity::Warning);
        Scene::new(&redis, "redis-no-persistence").cache(true).silent().await;
    }
}

#[tokio::test]
async fn save_slow() {
    for version in RedisVersion::ALL {
        // Each key takes as long as a thousand would.
        let redis = Redis::builder(version).config("rdb-key-save-delay", "30000").start().unwrap();
        load::strings(&redis, 70, "1", |n| format!("order:{n}"));
        let scene = Scene::new(&redis, "redis-save-slow").limit("warning_seconds", 1.0);
        scene.silent().await;
        redis.cli(&["BGSAVE"]).unwrap();
        until(&redis, "rdb_last_bgsave_time_sec", |seconds| seconds != "-1");
        scene.found_as(Severity::Warning).await;
        redis.cli(&["CONFIG", "SET", "rdb-key-save-delay", "0"]).unwrap();
        // One that ends beyond the turn of a second counts as one second.
        while info(&redis, "rdb_last_bgsave_time_sec") != "0" {
            redis.cli(&["BGSAVE"]).unwrap();
            until(&redis, "rdb_bgsave_in_progress", |running| running == "0");
        }
        scene.silent().await;
    }
}

#[tokio::test]
async fn aof_grown() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .config("appendonly", "yes")
            .config("auto-aof-rewrite-percentage", "0")
            .start()
            .unwrap();
        let scene = Scene::new(&redis, "redis-aof-grown").limit("min_size_bytes", 1_000_000.0);
        scene.silent().await;
        for _ in 0..9 {
            load::strings(&redis, 1, &"x".repeat(1_000_000), |n| format!("blob:{n}"));
        }
        let finding = scene.mended().await;
        assert_eq!(finding.severity, Severity::Warning);
        until(&redis, "aof_rewrite_in_progress", |running| running == "0");
        scene.silent().await;
    }
}
