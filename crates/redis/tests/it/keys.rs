//! The key sample: bounded, gentle, true.

use dbvitals_model::redis::KeySample;
use dbvitals_redis::Options;
use dbvitals_testkit::{Redis, RedisVersion};

use crate::{audit, audit_with, options, value};

fn pattern<'a>(sample: &'a KeySample, name: &str) -> &'a dbvitals_model::redis::KeyPattern {
    let found = sample.patterns.iter().find(|it| it.pattern == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", sample.patterns))
}

#[tokio::test]
async fn types_sizes_expiries_and_patterns_of_several_databases() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let mut client = redis.connection().unwrap();
        for number in 0..150 {
            let key = format!("session:{number}");
            client.command(&["SET", &key, "x", "EX", "600"]).unwrap();
        }
        for number in 0..40 {
            let key = format!("auction:{number}:bids");
            client.command(&["ZADD", &key, "1", "a", "2", "b"]).unwrap();
        }
        client.command(&["SELECT", "5"]).unwrap();
        client.command(&["SETRANGE", "blob", "200000", "x"]).unwrap();
        client.command(&["XADD", "events", "*", "k", "v"]).unwrap();
        for number in 0..600 {
            client.command(&["RPUSH", "queue:mail", &number.to_string()]).unwrap();
        }
        let snapshot = audit(&redis.url()).await.snapshot;
        let sample = value(&snapshot.key_sample);
        assert_eq!((sample.sampled, sample.total, sample.is_complete), (193, 193, true));
        assert_eq!(sample.expiring, 150);
        assert!(sample.expiring_in_fullest_minute >= 75, "{}", sample.expiring_in_fullest_minute);
        let sessions = pattern(sample, "session:*");
        assert_eq!((sessions.keys, sessions.without_ttl, sessions.types["string"]), (150, 0, 150));
        let auctions = pattern(sample, "auction:*:bids");
        assert_eq!((auctions.keys, auctions.without_ttl, auctions.types["zset"]), (40, 40, 40));
        assert_eq!(pattern(sample, "blob").database, 5);
        let blob = &sample.largest[0];
        assert_eq!((blob.name.as_str(), blob.elements), ("blob", None));
        assert!(blob.memory_bytes > 200_000 && blob.ttl_ms.is_none());
        let queue = sample.largest.iter().find(|key| key.name == "queue:mail").unwrap();
        assert_eq!((queue.elements, queue.kind.as_str()), (Some(600), "list"));
        let events = sample.largest.iter().find(|key| key.name == "events").unwrap();
        assert_eq!((events.elements, events.encoding.as_deref()), (Some(1), Some("stream")));
    }
}

#[tokio::test]
async fn the_sample_is_bounded_and_shared_by_size() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let mut client = redis.connection().unwrap();
    for (database, count) in [("0", 9000), ("1", 1000)] {
        client.command(&["SELECT", database]).unwrap();
        for number in 0..count {
            client.send(&["SET", &format!("k:{number}"), "v"]).unwrap();
        }
        for _ in 0..count {
            client.receive("SET").unwrap();
        }
    }
    let options = Options { sample_keys: 1000, ..options() };
    let snapshot = audit_with(&redis.url(), &options).await.snapshot;
    let sample = value(&snapshot.key_sample);
    assert_eq!((sample.total, sample.is_complete), (10_000, false));
    // SCAN may give a few more than asked for in its last step.
    assert!((1000..1200).contains(&sample.sampled), "{}", sample.sampled);
    let of_first = sample.patterns.iter().find(|it| it.database == 0).unwrap();
    assert!((800..1100).contains(&of_first.keys), "{}", of_first.keys);
    assert!(sample.patterns.iter().any(|it| it.database == 1));
}

#[tokio::test]
async fn odd_names_are_shown_and_no_value_is_kept() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let long = "x".repeat(5000);
    for key in ["", "line\nbreak", "quote'\"", "emoji🔑", "%s", &long] {
        redis.cli(&["SET", key, "hunter2"]).unwrap();
    }
    let snapshot = audit(&redis.url()).await.snapshot;
    let sample = value(&snapshot.key_sample);
    assert_eq!((sample.sampled, sample.is_complete), (6, true));
    let names: Vec<&str> = sample.largest.iter().map(|key| key.name.as_str()).collect();
    assert!(names.contains(&"line\\nbreak") && names.contains(&"emoji🔑"), "{names:?}");
    assert!(names.iter().all(|name| name.chars().count() <= 201));
    assert!(!serde_json::to_string(&snapshot).unwrap().contains("hunter2"));
}

#[tokio::test]
async fn looking_changes_neither_keys_nor_their_idle_time() {
    let redis =
        Redis::builder(RedisVersion::V7).config("maxmemory-policy", "allkeys-lfu").start().unwrap();
    redis.cli(&["SET", "k", "v"]).unwrap();
    let before = redis.cli(&["DEBUG", "DIGEST-VALUE", "k"]).ok();
    let frequency = redis.cli(&["OBJECT", "FREQ", "k"]).unwrap();
    let options = Options { sample_keys: 0, ..options() };
    audit_with(&redis.url(), &options).await;
    assert_eq!(redis.cli(&["OBJECT", "FREQ", "k"]).unwrap(), frequency);
    audit(&redis.url()).await;
    assert_eq!(redis.cli(&["DEBUG", "DIGEST-VALUE", "k"]).ok(), before);
    assert_eq!(redis.cli(&["DBSIZE"]).unwrap(), "1");
    assert_eq!(redis.cli(&["GET", "k"]).unwrap(), "v");
    let changes = redis.info("persistence").unwrap();
    assert!(changes.contains("rdb_changes_since_last_save:1\r\n"), "{changes}");
}
