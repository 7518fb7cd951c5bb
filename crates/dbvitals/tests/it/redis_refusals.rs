//! Redis servers that refuse: commands not allowed or taken away as managed services do, data still loading, no
//! memory left. What is lost for it is named, with the rule that opens it; the rest is judged.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_testkit::{Redis, RedisVersion};
use serde_json::Value;

use crate::run::{audit, broken, list, text};

/// All an auditor needs.
const ALL: &str = "+@all -@dangerous +info +config|get +slowlog|get +slowlog|len +latency|latest \
     +latency|history +latency|histogram +client|list +memory|stats +memory|usage +acl|list +acl|log +acl|whoami \
     +cluster|info +object|encoding";

/// Checks that could not judge for want of a right, each with the rule that would let it.
fn lost(report: &Value) -> BTreeMap<String, String> {
    let skipped = list(report, "/coverage/skipped").iter();
    let refused = skipped.filter(|skip| ["permission", "disabled"].contains(&text(skip, "/class")));
    let pair = |skip: &Value| (text(skip, "/check").to_owned(), text(skip, "/remedy").to_owned());
    refused.map(pair).collect()
}

fn checked(report: &Value) -> BTreeSet<String> {
    list(report, "/coverage/checked").iter().map(|it| text(it, "/check").to_owned()).collect()
}

fn look(redis: &Redis) -> Value {
    let url = format!("server={}", redis.url_as("auditor", "pw"));
    let report = audit(&[&url, "--only", "redis-*"]).ended(&[0]).json();
    assert_eq!(broken(&report), Vec::<String>::new());
    report
}

/// Each command taken away in turn, the rule that gives it back, and checks that are lost without it.
const REFUSED: [(&str, &str, &[&str]); 6] = [
    ("-config|get", "+config|get", &["redis-config-tcp-keepalive", "redis-config-save"]),
    ("-slowlog|get", "+slowlog|get", &["redis-slow-command"]),
    ("-latency|latest", "+latency|latest", &["redis-latency-event"]),
    ("-client|list", "+client|list", &["redis-idle-clients", "redis-monitor-running"]),
    ("-acl|list", "+acl|list", &["redis-default-user-unrestricted", "redis-no-authentication"]),
    ("-info", "+info", &["redis-memory-near-limit", "redis-evictions"]),
];

#[test]
fn each_right_that_is_missing_names_what_is_lost_and_the_rule() {
    for version in RedisVersion::ALL {
        // Before 7.0 a single subcommand cannot be taken from a command that was given as a whole.
        let rules = format!("on >pw ~* {ALL}");
        let redis = Redis::builder(version)
            .config("latency-monitor-threshold", "100")
            .acl_user("auditor", &rules)
            .start()
            .unwrap();
        let whole = look(&redis);
        let before = checked(&whole);
        for (take, give, examples) in REFUSED {
            let rules: Vec<&str> = ALL.split_whitespace().filter(|rule| *rule != give).collect();
            let mut words = vec!["ACL", "SETUSER", "auditor", "resetchannels", "-@all"];
            words.extend(rules.iter().copied().filter(|rule| !rule.starts_with("+@")));
            words.extend([
                "+ping", "+hello", "+time", "+select", "+scan", "+type", "+pttl", "+dbsize",
            ]);
            words.extend(["+strlen", "+client|setname"]);
            redis.cli(&words).unwrap();
            let report = look(&redis);
            let lost = lost(&report);
            for example in examples {
                let remedy = lost.get(*example).map(String::as_str);
                let wanted = format!("ACL SETUSER auditor {give}");
                assert_eq!(remedy, Some(wanted.as_str()), "{version} {take} {example}: {lost:#?}");
                assert!(!checked(&report).contains(*example), "{version} {take} {example}");
            }
            // Everything else is judged as before, and a check is judged or named, never dropped.
            let named: BTreeSet<String> = list(&report, "/coverage/skipped")
                .iter()
                .map(|skip| text(skip, "/check").to_owned())
                .collect();
            let seen: BTreeSet<String> = checked(&report).union(&named).cloned().collect();
            assert!(before.is_subset(&seen), "{version} {take}: {:?}", before.difference(&seen));
        }
    }
}

/// All that a look at the keys needs.
const OF_KEYS: &str = "+info +config|get +acl|whoami +hello +time +ping +select +dbsize +scan +type +pttl +memory|usage \
     +object|encoding +object|idletime +object|freq +hlen +llen +scard +zcard +xlen +hmget";

/// Rights on keys, each with checks that would judge what they never saw without it.
const OF_KEYS_REFUSED: [(&str, &[&str]); 5] = [
    ("+scan", &["redis-big-key", "redis-keys-without-ttl", "redis-long-key-names"]),
    ("+memory|usage", &["redis-big-key", "redis-many-small-strings", "redis-encoding-overflow"]),
    ("+pttl", &["redis-keys-without-ttl", "redis-ttl-stampede", "redis-many-small-strings"]),
    ("+type", &["redis-many-small-strings", "redis-pattern-low-hit-ratio"]),
    ("+object|encoding", &["redis-encoding-overflow"]),
];

#[test]
fn details_of_keys_that_are_refused_are_not_taken_for_good_or_bad_news() {
    for version in RedisVersion::ALL {
        // A cache, whose keys all expire.
        let mut builder = Redis::builder(version)
            .config("maxmemory", "100mb")
            .config("maxmemory-policy", "allkeys-lru")
            .acl_user("auditor", &format!("on >pw ~* {OF_KEYS}"));
        for (at, (right, _)) in OF_KEYS_REFUSED.iter().enumerate() {
            let kept: Vec<&str> = OF_KEYS.split_whitespace().filter(|rule| rule != right).collect();
            builder = builder.acl_user(&format!("u{at}"), &format!("on >pw ~* {}", kept.join(" ")));
        }
        let redis = builder.start().unwrap();
        let fill = "for i = 1, 1000 do redis.call('SET', 'page:' .. i, string.rep('x', 20), 'EX', 9000 + 60 * i) end";
        redis.cli(&["EVAL", fill, "0"]).unwrap();
        let look = |user: &str| {
            let url = format!("server={}", redis.url_as(user, "pw"));
            audit(&[&url, "--only", "redis-*"]).ended(&[0]).json()
        };
        let before = checked(&look("auditor"));
        for (at, (right, checks)) in OF_KEYS_REFUSED.iter().enumerate() {
            let report = look(&format!("u{at}"));
            let lost = lost(&report);
            for check in *checks {
                if *check != "redis-pattern-low-hit-ratio" {
                    assert!(before.contains(*check), "{version} {check} judges with all rights");
                }
                let remedy = lost.get(*check).map(String::as_str);
                let wanted = format!("ACL SETUSER u{at} {right}");
                assert_eq!(remedy, Some(wanted.as_str()), "{version} {right} {check}: {lost:#?}");
            }
            let found = list(&report, "/findings").iter().map(|it| text(it, "/check"));
            let alarms: Vec<&str> = found.filter(|id| checks.contains(id)).collect();
            assert_eq!(alarms, [""; 0], "{version} {right}");
        }
    }
}

#[test]
fn a_managed_service_without_config_and_friends_is_judged_by_the_rest() {
    for version in RedisVersion::ALL {
        let mut builder = Redis::builder(version);
        for command in ["CONFIG", "SLOWLOG", "LATENCY", "ACL", "MEMORY", "CLIENT", "DEBUG"] {
            builder = builder.config("rename-command", &format!("{command} \"\""));
        }
        let redis = builder.start().unwrap();
        redis.cli(&["SET", "a", "1"]).unwrap();
        let url = format!("server={}", redis.url());
        let report = audit(&[&url, "--only", "redis-*"]).ended(&[0]).json();
        assert_eq!(broken(&report), Vec::<String>::new(), "{version}");
        let lost = lost(&report);
        for check in
            ["redis-config-save", "redis-slow-command", "redis-latency-event", "redis-idle-clients"]
        {
            let remedy = lost.get(check).unwrap_or_else(|| panic!("{version} {check}: {lost:#?}"));
            assert!(remedy.contains("rename-command"), "{version} {check}: {remedy}");
        }
        let checked = checked(&report);
        for check in ["redis-no-memory-limit", "redis-evictions", "redis-clients-near-limit"] {
            assert!(checked.contains(check), "{version}: {check} needs INFO only");
        }
    }
}

#[test]
fn memory_that_is_full_hinders_no_audit() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("maxmemory", "3mb").start().unwrap();
        let mut connection = redis.connection().unwrap();
        let value = "x".repeat(10_000);
        let full =
            (0..1000).any(|n| connection.command(&["SET", &format!("page:{n}"), &value]).is_err());
        assert!(full, "{version}: it never filled up");
        let report =
            audit(&[&format!("server={}", redis.url()), "--only", "redis-*"]).ended(&[0]).json();
        assert_eq!(broken(&report), Vec::<String>::new(), "{version}");
        assert_eq!(lost(&report).keys().collect::<Vec<_>>(), ["redis-latency-event"], "{version}");
        let found: BTreeSet<&str> =
            list(&report, "/findings").iter().map(|finding| text(finding, "/check")).collect();
        for check in ["redis-memory-near-limit", "redis-errors"] {
            assert!(found.contains(check), "{version} {check}: {found:?}");
        }
    }
}

#[test]
fn a_server_that_loads_its_data_is_no_mystery() {
    for version in RedisVersion::ALL {
        // It answers while it loads, once per 2 MB; 6 MB at 20 ms a key take a while.
        let redis = Redis::builder(version)
            .config("key-load-delay", "20000")
            .config("rdbcompression", "no")
            .start()
            .unwrap();
        for n in 0..60 {
            redis.cli(&["SET", &format!("page:{n}"), &"x".repeat(100_000)]).unwrap();
        }
        redis.cli(&["SAVE"]).unwrap();
        redis.kill().unwrap();
        let url = format!("server={}", redis.url());
        let loading = std::thread::scope(|scope| {
            let starting = scope.spawn(|| redis.start());
            let mut seen = None;
            while !starting.is_finished() && seen.is_none() {
                let ran = audit(&[&url, "--only", "redis-*"]);
                if ran.out.contains("loading") {
                    seen = Some(ran);
                }
            }
            starting.join().unwrap().unwrap();
            seen
        });
        let ran = loading.unwrap_or_else(|| panic!("{version}: never seen loading"));
        assert_eq!(ran.code, 4, "{version}: {ran:?}");
        assert!(ran.out.contains("loading:0"), "{version} says when to come back: {ran:?}");
    }
}
