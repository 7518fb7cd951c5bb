//! `dbvitals redis keys` and `patterns` against real servers.

use dbvitals_testkit::{Redis, RedisVersion};
use serde_json::Value;

use crate::run::{Ran, at, begin, dbvitals, end, list, text};

const PAGES: &str = "for i = 1, 3000 do redis.call('SET', 'page:' .. i, string.rep('x', 100), 'EX', 9000) end \
    for i = 1, 5 do for j = 1, 20000 do redis.call('RPUSH', 'ledger:' .. i, string.rep('y', 60)) end end";

fn filled(version: RedisVersion) -> Redis {
    let redis = Redis::builder(version).start().unwrap();
    redis.cli(&["EVAL", PAGES, "0"]).unwrap();
    redis
}

fn table<'a>(sheet: &'a Value, id: &str) -> &'a [Value] {
    let found = list(sheet, "/tables").iter().find(|table| text(table, "/id") == id);
    found.map(|table| list(table, "/rows")).unwrap_or_default()
}

#[test]
fn keys_and_patterns_in_every_format() {
    for version in RedisVersion::ALL {
        let redis = filled(version);
        let url = redis.url();
        let sheet = dbvitals(&["redis", "keys", &url, "--format", "json"]).ended(&[0]).json();
        assert_eq!(sheet["keys"]["has_every_name"], true);
        assert_eq!(table(&sheet, "largest").len(), 10);
        let findings = table(&sheet, "findings");
        assert!(findings.iter().any(|row| row[2] == "redis-big-key"), "{findings:?}");
        let sheet =
            dbvitals(&["redis", "patterns", &url, "--full", "-f", "json"]).ended(&[0]).json();
        assert_eq!(sheet["keys"]["is_complete"], true);
        let patterns = table(&sheet, "patterns");
        let names: Vec<&Value> = patterns.iter().map(|row| &row[0]).collect();
        assert_eq!(names, ["ledger:*", "page:*"]);
        assert_eq!(patterns[1][9], 1.0, "all of them expire");
        for (format, title) in [("terminal", "Patterns"), ("markdown", "## Patterns")] {
            let page = dbvitals(&["redis", "patterns", &url, "--format", format]).ended(&[0]).out;
            assert!(page.contains(title) && page.contains("ledger:"), "{page}");
        }
    }
}

#[test]
fn a_walk_out_of_time_is_continued_from_its_file() {
    let redis = filled(RedisVersion::V7);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("walk.json");
    let file = at(&file);
    let url = redis.url();
    let walk = |more: &[&str]| {
        dbvitals(
            &[&["redis", "keys", &url, "--full", "-f", "json", "--resume", file], more].concat(),
        )
    };
    let first = walk(&["--max-time", "0s"]).ended(&[3]);
    assert_eq!(first.json()["keys"]["is_complete"], false);
    let second = walk(&[]).ended(&[0]).json();
    assert_eq!(second["keys"]["sampled"], 3005);
    assert!(!std::path::Path::new(file).exists(), "a finished walk leaves nothing behind");
    std::fs::write(file, "{}").unwrap();
    let wrong = walk(&[]).ended(&[2]);
    assert!(wrong.err.contains("cannot go on from"), "{}", wrong.err);
}

#[test]
fn what_cannot_be_walked_says_why() {
    let redis = Redis::builder(RedisVersion::V7)
        .acl_user("poor", "on >pw ~* +info +ping +client|setname")
        .start()
        .unwrap();
    redis.cli(&["SET", "k", "v"]).unwrap();
    let url = redis.url_as("poor", "pw");
    let page = dbvitals(&["redis", "keys", &url]).ended(&[3]).out;
    assert!(page.contains("ACL SETUSER poor +scan"), "{page}");
    redis.stop().unwrap();
    dbvitals(&["redis", "keys", &redis.url()]).ended(&[4]);
    dbvitals(&["redis", "keys", "postgres://localhost/x"]).ended(&[2]);
    dbvitals(&["redis", "keys", &redis.url(), "--full", "--quick"]).ended(&[2]);
}

/// Starts a server again over 60 keys of which each takes 20 ms to load, and runs this meanwhile until it has seen
/// the server loading.
fn while_loading(version: RedisVersion, run: impl Fn(&str) -> Option<Ran>) -> Ran {
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
    let url = redis.url();
    let seen = std::thread::scope(|scope| {
        let starting = scope.spawn(|| redis.start());
        let mut seen = None;
        while !starting.is_finished() && seen.is_none() {
            seen = run(&url);
        }
        starting.join().unwrap().unwrap();
        seen
    });
    seen.unwrap_or_else(|| panic!("{version}: never seen loading"))
}

#[test]
fn keys_of_a_server_that_loads_its_data_say_when_to_come_back() {
    for version in RedisVersion::ALL {
        let ran = while_loading(version, |url| {
            let ran = dbvitals(&["redis", "keys", url]);
            ran.err.contains("loading").then_some(ran)
        });
        let ran = ran.ended(&[4]);
        assert!(ran.out.is_empty() && ran.err.contains("loading:0"), "{version}: {ran:?}");
    }
}

/// Two servers that are one cluster, each with half of the slots; `b…` is of the first, `a…` of the second.
fn cluster(version: RedisVersion) -> (Redis, Redis) {
    let node = || {
        let builder = Redis::builder(version).config("cluster-enabled", "yes");
        builder.config("cluster-require-full-coverage", "no").start().unwrap()
    };
    let (one, two) = (node(), node());
    for (node, slots) in [(&one, 0..8192), (&two, 8192..16_384)] {
        let slots: Vec<String> = slots.map(|slot: u32| slot.to_string()).collect();
        let mut words = vec!["CLUSTER", "ADDSLOTS"];
        words.extend(slots.iter().map(String::as_str));
        node.cli(&words).unwrap();
    }
    one.cli(&["CLUSTER", "MEET", "127.0.0.1", &two.port().to_string()]).unwrap();
    let knows = |node: &Redis| {
        let info = node.cli(&["CLUSTER", "INFO"]).unwrap();
        info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384")
    };
    while !knows(&one) || !knows(&two) {
        std::thread::yield_now();
    }
    (one, two)
}

#[test]
fn a_cluster_shows_its_skew_and_a_dead_node_ends_as_incomplete() {
    for version in RedisVersion::ALL {
        let (one, two) = cluster(version);
        let fill = |tag: &str, keys: u32| {
            format!(
                "for i = 1, {keys} do redis.call('SET', '{{{tag}}}:' .. i, string.rep('x', 100)) end return redis.call('GET', KEYS[1])"
            )
        };
        one.cli(&["EVAL", &fill("b", 900), "1", "{b}:1"]).unwrap();
        two.cli(&["EVAL", &fill("a", 100), "1", "{a}:1"]).unwrap();
        let url = one.url();
        let sheet = dbvitals(&["redis", "keys", &url, "--full", "-f", "json"]).ended(&[0]).json();
        let servers = table(&sheet, "servers");
        let mut shares: Vec<f64> = servers.iter().map(|row| row[3].as_f64().unwrap()).collect();
        shares.sort_by(f64::total_cmp);
        assert_eq!((servers.len(), shares), (2, vec![0.1, 0.9]), "{version}: {servers:#?}");
        assert!(servers.iter().all(|row| row[4].as_f64().unwrap() > 0.0), "{servers:#?}");
        let notes = list(&sheet, "/notes");
        let skew = format!("127.0.0.1:{}", one.port());
        assert!(
            notes
                .iter()
                .any(|it| text(it, "").contains(&skew) && text(it, "").contains("1.8 times")),
            "{version}: {notes:#?}"
        );
        two.kill().unwrap();
        let ran = dbvitals(&["redis", "keys", &url, "--full", "-f", "json"]).ended(&[3]);
        let sheet = ran.json();
        assert_eq!(sheet["keys"]["named"], 900, "{version}: the rest is walked");
        let dead = format!("127.0.0.1:{}", two.port());
        let row = table(&sheet, "servers").iter().find(|row| row[0] == dead.as_str());
        assert!(row.is_some_and(|row| row[5] != ""), "{version}: {sheet:#}");
        let page = dbvitals(&["redis", "keys", &url]).ended(&[3]).out;
        assert!(page.contains(&dead) && page.contains("missing"), "{page}");
    }
}

#[test]
fn names_of_any_bytes_break_no_page() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let script = "for _, name in ipairs({'a\\nb', 'tab\\there', '\\27[31mred', string.char(255, 254, 0), 'pipe|`tick`', ''}) \
            do redis.call('SET', name, string.rep('x', 300)) end";
        redis.cli(&["EVAL", script, "0"]).unwrap();
        let url = redis.url();
        let sheet = dbvitals(&["redis", "keys", &url, "-f", "json"]).ended(&[0]).json();
        let names: Vec<&str> =
            list(&sheet, "/keys/largest").iter().map(|key| text(key, "/name")).collect();
        for name in ["a\\nb", "tab\\there", "\\u{1b}[31mred", "\\xff\\xfe\\u{0}", "pipe|`tick`", ""]
        {
            assert!(names.contains(&name), "{version} {name}: {names:?}");
        }
        // Markdown escapes the backslash.
        for (format, shown) in [("terminal", "a\\nb"), ("markdown", "a\\\\nb")] {
            let page = dbvitals(&["redis", "keys", &url, "--format", format]).ended(&[0]).out;
            let is_odd = |c: char| c.is_control() && c != '\n';
            assert!(!page.contains(is_odd), "{version} {format}: {page:?}");
            assert!(page.contains(shown), "{version} {format}: {page}");
        }
    }
}

/// Waits until so many keys were asked for their size.
fn until_sized(redis: &Redis, keys: u64) {
    let sized = || {
        let stats = redis.info("commandstats").unwrap();
        let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_memory|usage:calls="));
        line.and_then(|rest| rest.split(',').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    while sized() < keys {
        std::thread::yield_now();
    }
}

#[test]
fn a_server_killed_half_way_ends_as_incomplete_with_what_was_seen() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    redis
        .cli(&["EVAL", "for i = 1, 300000 do redis.call('SET', 'key:' .. i, 'v') end", "0"])
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("walk.json");
    let url = redis.url();
    let arguments = ["redis", "keys", &url, "--full", "-f", "json", "--resume", at(&file)];
    let walking = begin(&arguments);
    until_sized(&redis, 1000);
    redis.kill().unwrap();
    let ran = end(walking).ended(&[3]);
    let sheet = ran.json();
    let named = sheet["keys"]["named"].as_i64().unwrap();
    assert!((1..300_000).contains(&named), "{named}");
    assert_eq!(sheet["keys"]["is_complete"], false);
    assert!(!list(&sheet, "/missing").is_empty(), "{sheet:#}");
    // Its key table has another order after a restart: going on would miss keys, and that is told.
    assert!(file.exists(), "where it stood is kept");
    redis.start().unwrap();
    let ran = dbvitals(&arguments).ended(&[4]);
    assert!(ran.err.contains("restarted") && ran.err.contains("resume file"), "{ran:?}");
}

#[test]
fn a_server_that_hangs_half_way_is_continued_when_it_is_back() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    redis
        .cli(&["EVAL", "for i = 1, 300000 do redis.call('SET', 'key:' .. i, 'v') end", "0"])
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("walk.json");
    let url = format!("{}?timeout=2s", redis.url());
    let arguments = ["redis", "keys", &url, "--full", "-f", "json", "--resume", at(&file)];
    let walking = begin(&arguments);
    until_sized(&redis, 1000);
    redis.freeze().unwrap();
    let ran = end(walking);
    redis.thaw().unwrap();
    let first = ran.ended(&[3]).json()["keys"]["named"].as_i64().unwrap();
    assert!((1..300_000).contains(&first), "{first}");
    let sheet = dbvitals(&arguments).ended(&[0]).json();
    assert_eq!(sheet["keys"]["named"], 300_000);
    assert!(sheet["keys"]["sampled"].as_i64().unwrap() >= 300_000 - 200, "{sheet:#}");
    assert!(!file.exists(), "a finished walk leaves nothing behind");
}

#[test]
fn each_missing_right_is_named_with_its_rule_and_the_rest_is_told() {
    for version in RedisVersion::ALL {
        let mut builder = Redis::builder(version);
        for (user, taken) in
            [("nomemory", "memory"), ("noconfig", "config"), ("noslowlog", "slowlog")]
        {
            builder = builder.acl_user(user, &format!("on >pw ~* +@all -{taken}"));
        }
        let redis = builder.start().unwrap();
        redis.cli(&["EVAL", PAGES, "0"]).unwrap();
        let walk = |user: &str| {
            let url = redis.url_as(user, "pw");
            dbvitals(&["redis", "keys", &url, "--full", "-f", "json"]).ended(&[0]).json()
        };
        let sheet = walk("nomemory");
        let remedies: Vec<&str> =
            list(&sheet, "/missing").iter().map(|it| text(it, "/remedy")).collect();
        assert_eq!(remedies, ["ACL SETUSER nomemory +memory|usage"], "{version}: {sheet:#}");
        let types = &sheet["keys"]["patterns"];
        assert_eq!(
            (sheet["keys"]["named"].as_i64(), types.as_array().map(Vec::len)),
            (Some(3005), Some(2))
        );
        assert!(
            sheet["keys"]["ttl"]
                .as_array()
                .is_some_and(|it| it.iter().any(|span| span["keys"] == 3000))
        );
        for user in ["noconfig", "noslowlog"] {
            let sheet = walk(user);
            assert_eq!(
                list(&sheet, "/missing"),
                [] as [Value; 0],
                "{version} {user}: needs neither"
            );
            assert_eq!(sheet["keys"]["sampled"], 3005);
        }
    }
}

#[test]
fn a_huge_value_is_weighed_and_never_read() {
    for version in RedisVersion::ALL {
        let redis = filled(version);
        redis.cli(&["SETRANGE", "huge", "67108863", "x"]).unwrap();
        let sent = |redis: &Redis| -> i64 {
            let stats = redis.info("stats").unwrap();
            let line = stats.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
            line.unwrap().trim().parse().unwrap()
        };
        let before = sent(&redis);
        let sheet = dbvitals(&["redis", "keys", &redis.url(), "-f", "json"]).ended(&[0]).json();
        let first = &list(&sheet, "/keys/largest")[0];
        assert_eq!((text(first, "/name"), text(first, "/kind")), ("huge", "string"));
        assert!(first["memory_bytes"].as_i64().unwrap() >= 67_108_864, "{first}");
        let answered = sent(&redis) - before;
        assert!(answered < 10_000_000, "{version}: {answered} bytes were sent for 3006 keys");
    }
}
