//! ACL users with few rights: what is refused is said, with the rule that opens it.

use dbvitals_model::{Reason, Section, Unavailable, redis::RedisSnapshot};
use dbvitals_redis::MONITOR_RULES;
use dbvitals_testkit::{Redis, RedisVersion};

use crate::{audit, remedy, value, why};

/// Sections that are not there, with their reason.
fn missing(snapshot: &RedisSnapshot) -> Vec<(&'static str, Unavailable)> {
    fn look<T>(name: &'static str, section: &Section<T>) -> Option<(&'static str, Unavailable)> {
        section.get().err().map(|why| (name, why.clone()))
    }
    [
        look("info", &snapshot.info),
        look("config", &snapshot.config),
        look("slowlog", &snapshot.slowlog),
        look("clients", &snapshot.clients),
        look("memory_stats", &snapshot.memory_stats),
        look("users", &snapshot.users),
        look("acl_log", &snapshot.acl_log),
        look("key_sample", &snapshot.key_sample),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[tokio::test]
async fn the_documented_rules_open_everything() {
    for version in RedisVersion::ALL {
        let keys = if version == RedisVersion::V6_2 { "~*" } else { "%R~*" };
        let rules = format!("on >pw {keys} {MONITOR_RULES}");
        let redis = Redis::builder(version).acl_user("auditor", &rules).start().unwrap();
        redis.cli(&["SET", "user:1", "x"]).unwrap();
        redis.cli(&["RPUSH", "queue", "a", "b"]).unwrap();
        let snapshot = audit(&redis.url_as("auditor", "pw")).await.snapshot;
        assert_eq!(missing(&snapshot), [], "{version}");
        let sample = &snapshot.key_sample;
        let Section::Collected(sample) = sample else { panic!("{sample:?}") };
        assert_eq!(sample.gaps, [], "{version}");
        assert_eq!(sample.value.sampled, 2);
        assert!(sample.value.largest.iter().all(|key| key.encoding.is_some()));
    }
}

#[tokio::test]
async fn each_refused_section_names_the_rule_that_opens_it() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).acl_user("auditor", "on >pw").start().unwrap();
        let url = redis.url_as("auditor", "pw");
        let refused = missing(&audit(&url).await.snapshot);
        assert_eq!(refused.len(), 8, "{version} {refused:?}");
        for (section, why) in refused {
            assert_eq!(why.reason, Reason::Permission, "{version} {section} {why:?}");
            // Obeying the remedy, word by word, opens the section.
            let words: Vec<&str> = remedy(&why).split(' ').collect();
            assert_eq!(words[..3], ["ACL", "SETUSER", "auditor"], "{section} {why:?}");
            let documented = dbvitals_redis::rules(section).unwrap();
            assert!(words[3..].iter().all(|rule| documented.contains(rule)), "{section} {why:?}");
            redis.cli(&words).unwrap();
            let still = missing(&audit(&url).await.snapshot);
            assert!(still.iter().all(|(name, _)| *name != section), "{version} {still:?}");
        }
        // ACL WHOAMI was never allowed: the name comes from the URL.
        assert_eq!(audit(&url).await.snapshot.server.user, None);
    }
}

#[tokio::test]
async fn without_info_hello_tells_who_answers() {
    let redis =
        Redis::builder(RedisVersion::V7).acl_user("auditor", "on >pw +hello").start().unwrap();
    let server = audit(&redis.url_as("auditor", "pw")).await.snapshot.server;
    assert_eq!((server.version.major, server.mode.as_str()), (7, "standalone"));
}

#[tokio::test]
async fn keys_out_of_sight_are_told() {
    for version in RedisVersion::ALL {
        let rules = format!("on >pw ~cache:* {MONITOR_RULES}");
        let redis = Redis::builder(version).acl_user("auditor", &rules).start().unwrap();
        for key in ["cache:1", "cache:2", "secret:1"] {
            redis.cli(&["SET", key, "x"]).unwrap();
        }
        let snapshot = audit(&redis.url_as("auditor", "pw")).await.snapshot;
        let Section::Collected(sample) = &snapshot.key_sample else { panic!() };
        assert_eq!((sample.value.sampled, sample.value.is_complete), (2, false));
        assert_eq!(sample.gaps.len(), 1, "{:?}", sample.gaps);
        assert!(sample.gaps[0].detail.contains("1 of the sampled keys"), "{:?}", sample.gaps);
        let words: Vec<&str> = remedy(&sample.gaps[0]).split(' ').collect();
        redis.cli(&words).unwrap();
        let snapshot = audit(&redis.url_as("auditor", "pw")).await.snapshot;
        assert!(value(&snapshot.key_sample).is_complete);
    }
}

#[tokio::test]
async fn our_own_refusals_do_not_count_as_denials() {
    let redis = Redis::builder(RedisVersion::V7)
        .acl_user("auditor", "on >pw +client|setname +acl|log")
        .start()
        .unwrap();
    let url = redis.url_as("auditor", "pw");
    audit(&url).await;
    let mut stranger = redis.connection().unwrap();
    stranger.command(&["AUTH", "auditor", "pw"]).unwrap();
    stranger.command(&["GET", "x"]).unwrap_err();
    let snapshot = audit(&url).await.snapshot;
    let denials = value(&snapshot.acl_log);
    assert_eq!(denials.len(), 1, "{denials:?}");
    assert_eq!((denials[0].reason.as_str(), denials[0].object.as_str()), ("command", "get"));
}

#[tokio::test]
async fn renamed_commands_are_told_from_forbidden_ones() {
    let redis =
        Redis::builder(RedisVersion::V6_2).config("rename-command", "CONFIG \"\"").start().unwrap();
    let snapshot = audit(&redis.url()).await.snapshot;
    let hidden = why(&snapshot.config);
    assert_eq!(hidden.reason, Reason::Disabled, "{hidden:?}");
    assert!(remedy(hidden).contains("rename-command"), "{hidden:?}");
    assert!(snapshot.info.value().is_some());
}
