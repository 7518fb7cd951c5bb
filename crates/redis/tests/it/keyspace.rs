//! Walking the keyspace of real servers: complete, estimated, interrupted, refused, hostile.

use std::{sync::Arc, time::Duration};

use dbvitals_model::{Section, Unavailable, redis::KeySample};
use dbvitals_redis::{
    MONITOR_RULES, Target,
    keyspace::{Manner, Meter, Request, Scan, State, Way, scan},
};
use dbvitals_testkit::{Redis, RedisVersion};

use crate::{remedy, value};

fn fast(way: Way) -> Request {
    Request { manner: Manner::Fast, ..Request::new(way) }
}

async fn walk(url: &str, request: &Request) -> Scan {
    scan(&Target::parse(url).unwrap(), request, None, &Meter::default()).await.unwrap()
}

fn gaps(scan: &Scan) -> &[Unavailable] {
    match &scan.keys {
        Section::Collected(keys) => &keys.gaps,
        Section::Unavailable(why) => std::slice::from_ref(why),
    }
}

fn share(sample: &KeySample, pattern: &str) -> (f64, f64) {
    let found = sample.patterns.iter().find(|it| it.pattern == pattern);
    let share = found.and_then(|it| it.share.clone()).unwrap_or_else(|| panic!("no {pattern}"));
    (share.keys, share.memory_ratio)
}

/// Runs a script on the throwaway server, to fill it quickly.
fn fill(redis: &Redis, script: &str) {
    redis.cli(&["EVAL", script, "0"]).unwrap();
}

const MIXED: &str = "for i = 1, 20000 do redis.call('SET', 'page:' .. i, string.rep('x', 100), 'EX', 9000) end \
    for i = 1, 8000 do redis.call('HSET', 'user:' .. i, 'name', 'n' .. i) end \
    for i = 1, 10 do for j = 1, 5000 do redis.call('RPUSH', 'ledger:' .. i, string.rep('y', 40)) end end";

#[tokio::test]
async fn a_walk_of_all_keys_is_exact_and_adds_up() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        fill(&redis, MIXED);
        fill(&redis, "redis.call('SELECT', 3) redis.call('SADD', 'other', 'a', 'b')");
        let found = walk(&redis.url(), &fast(Way::All)).await;
        assert!(!found.is_partial && found.unfinished.is_none() && gaps(&found).is_empty());
        let sample = value(&found.keys);
        assert_eq!((sample.sampled, sample.total, sample.is_complete), (28_011, 28_011, true));
        assert_eq!(sample.repeated, 0);
        for (pattern, keys) in [("page:*", 20_000.0), ("user:*", 8000.0), ("ledger:*", 10.0)] {
            assert!((share(sample, pattern).0 - keys).abs() < 1e-6, "{version} {pattern}");
        }
        assert!(sample.patterns.iter().any(|it| it.database == 3 && it.types["set"] == 1));
        let ledgers = sample.largest.iter().take(10).all(|key| key.elements == Some(5000));
        assert!(ledgers, "{:?}", &sample.largest[..10]);
        let sums = sample.reconciled.as_ref().unwrap();
        assert!(sums.margin_bytes < 1.0 && sums.unexplained_ratio < 0.1, "{version} {sums:?}");
    }
}

#[tokio::test]
async fn a_survey_sees_every_name_and_every_rare_key() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    fill(&redis, MIXED);
    let all = walk(&redis.url(), &fast(Way::All)).await;
    let found = walk(&redis.url(), &fast(Way::Survey(2000))).await;
    let (all, sample) = (value(&all.keys), value(&found.keys));
    assert_eq!(
        (sample.way.as_str(), sample.named, sample.has_every_name),
        ("survey", 28_010, true)
    );
    assert!(!sample.is_complete && sample.sampled < 3000, "{}", sample.sampled);
    for pattern in ["page:*", "user:*", "ledger:*"] {
        let ((keys, ratio), (true_keys, true_ratio)) =
            (share(sample, pattern), share(all, pattern));
        assert!((keys - true_keys).abs() < 1e-6, "{pattern}: names are counted");
        assert!((ratio - true_ratio).abs() < 0.02, "{pattern}: {ratio} for {true_ratio}");
    }
    let names = |sample: &KeySample| {
        let mut names: Vec<_> = sample.largest.iter().take(10).map(|it| it.name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(names(sample), names(all));
}

/// How often margins hold is counted where chance is seeded (`keyspace::coverage`). A server orders its keys by a seed of
/// its own, and walks whose places lie close to each other see the same keys: here no walk may be far off, nor all of
/// them together to one side.
#[tokio::test]
async fn places_hold_the_truth_in_their_margins() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    fill(&redis, MIXED);
    let mut errors = Vec::new();
    for seed in 0..20 {
        let request = Request { seed, ..fast(Way::Places(2000)) };
        let found = walk(&redis.url(), &request).await;
        let sample = value(&found.keys);
        let page = sample.patterns.iter().find(|it| it.pattern == "page:*").unwrap();
        let share = page.share.as_ref().unwrap();
        assert!(sample.sampled < 3000, "{}", sample.sampled);
        assert!((1.0..1000.0).contains(&share.keys_margin), "{share:?}");
        errors.push((share.keys - 20_000.0) / share.keys_margin);
    }
    // A margin is two standard deviations: one of five is met by one walk in a million.
    assert!(errors.iter().all(|error| error.abs() < 2.5), "{errors:?}");
    assert!(errors.iter().sum::<f64>().abs() / 20.0 < 1.0, "{errors:?}");
}

#[tokio::test]
async fn what_is_interrupted_goes_on_where_it_was() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    fill(&redis, "for i = 1, 60000 do redis.call('SET', 'key:' .. i, 'v') end");
    let target = Target::parse(&redis.url()).unwrap();
    let request = Request { most_time: Some(Duration::ZERO), ..fast(Way::All) };
    let first = scan(&target, &request, None, &Meter::default()).await.unwrap();
    assert!(first.is_partial && first.unfinished.is_some());
    let meter = Arc::new(Meter::default());
    let stopping = Arc::clone(&meter);
    let state = State::from_json(&first.unfinished.unwrap().to_json().unwrap()).unwrap();
    let stopper = tokio::spawn(async move {
        while stopping.progress().0 < 5000 {
            tokio::task::yield_now().await;
        }
        stopping.stop();
    });
    let second = scan(&target, &fast(Way::All), Some(state), &meter).await.unwrap();
    stopper.await.unwrap();
    let sample = value(&second.keys);
    assert!((5000..60_000).contains(&sample.sampled) && !sample.is_complete, "{}", sample.sampled);
    let margin = sample.patterns[0].share.as_ref().unwrap();
    assert!(
        (margin.keys - 60_000.0).abs() < 1.0,
        "the walked part stands for the rest: {margin:?}"
    );
    let state = State::from_json(&second.unfinished.unwrap().to_json().unwrap()).unwrap();
    let last =
        scan(&target, &fast(Way::All), Some(state.clone()), &Meter::default()).await.unwrap();
    let sample = value(&last.keys);
    assert!(last.unfinished.is_none() && sample.is_complete);
    assert_eq!((sample.sampled, sample.repeated), (60_000, 0));
    redis.stop().unwrap();
    redis.start().unwrap();
    let stale = scan(&target, &fast(Way::All), Some(state), &Meter::default()).await.unwrap_err();
    assert!(stale.to_string().contains("restarted"), "{stale}");
}

#[tokio::test]
async fn each_missing_right_costs_what_it_names_and_nothing_else() {
    for version in RedisVersion::ALL {
        let mut redis = Redis::builder(version);
        let refused =
            ["scan", "memory|usage", "type", "pttl", "object|encoding", "object|idletime", "hmget"];
        for (at, rule) in refused.iter().enumerate() {
            let kept: Vec<&str> = MONITOR_RULES
                .split_whitespace()
                .filter(|kept| kept.strip_prefix('+') != Some(rule))
                .collect();
            redis = redis.acl_user(&format!("u{at}"), &format!("on >pw ~* {}", kept.join(" ")));
        }
        let redis = redis.start().unwrap();
        fill(
            &redis,
            "for i = 1, 50 do redis.call('HSET', 'stats:' .. i, 'hits', 6, 'misses', 2) \
             redis.call('EXPIRE', 'stats:' .. i, 9000) end",
        );
        for (at, rule) in refused.iter().enumerate() {
            let found = walk(&redis.url_as(&format!("u{at}"), "pw"), &fast(Way::All)).await;
            let gaps = gaps(&found);
            assert_eq!(gaps.len(), 1, "{version} {rule}: {gaps:?}");
            assert_eq!(remedy(&gaps[0]), format!("ACL SETUSER u{at} +{rule}"), "{version}");
            let Some(sample) = found.keys.value() else {
                assert_eq!(*rule, "scan");
                continue;
            };
            assert_eq!((sample.sampled, sample.is_complete), (50, true), "{version} {rule}");
            assert_eq!(sample.patterns[0].types.is_empty(), *rule == "type");
            assert_eq!(sample.reconciled.is_none(), *rule == "memory|usage");
            let hits = sample.hits.first().map(|it| (it.keys, it.hits, it.lookups));
            assert_eq!(
                hits,
                (!["hmget", "type"].contains(rule)).then_some((50, 300, 400)),
                "{rule}"
            );
        }
        let refusals = redis.info("errorstats").unwrap();
        assert!(!refusals.contains("WRONGTYPE"), "{refusals}");
    }
}

#[tokio::test]
async fn a_dead_node_of_a_cluster_is_named_and_the_rest_is_walked() {
    for version in RedisVersion::ALL {
        let node = || {
            let node = Redis::builder(version)
                .config("cluster-enabled", "yes")
                .config("cluster-require-full-coverage", "no");
            node.start().unwrap()
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
            tokio::task::yield_now().await;
        }
        // `a` is of the second half of the slots, `b` of the first.
        one.cli(&["SET", "b", "x"]).unwrap();
        two.cli(&["SET", "a", "x"]).unwrap();
        let whole = walk(&one.url(), &fast(Way::All)).await;
        assert_eq!((value(&whole.keys).sampled, whole.is_partial), (2, false), "{version}");
        assert_eq!(value(&whole.keys).nodes.len(), 2);
        two.kill().unwrap();
        let part = walk(&one.url(), &fast(Way::All)).await;
        let sample = value(&part.keys);
        assert!(part.is_partial && !sample.has_every_name, "{version}");
        assert_eq!(sample.sampled, 1);
        let dead = format!("127.0.0.1:{}", two.port());
        assert!(gaps(&part).iter().any(|gap| gap.detail.contains(&dead)), "{:?}", gaps(&part));
        assert!(sample.nodes.iter().any(|node| node.endpoint == dead && node.problem.is_some()));
    }
}

#[tokio::test]
async fn huge_values_stall_nobody_and_are_never_read() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    redis.cli(&["SETRANGE", "huge", "524287000", "x"]).unwrap();
    fill(&redis, "for i = 1, 1000000 do redis.call('HSET', 'wide', i, i) end");
    redis.cli(&["CONFIG", "RESETSTAT"]).unwrap();
    let found = walk(&redis.url(), &fast(Way::All)).await;
    let sample = value(&found.keys);
    assert!(sample.largest[0].memory_bytes > 500_000_000, "{:?}", sample.largest[0]);
    let wide = sample.largest.iter().find(|key| key.name == "wide").unwrap();
    assert_eq!((wide.elements, wide.encoding.as_deref()), (Some(1_000_000), Some("hashtable")));
    let stats = redis.info("commandstats").unwrap();
    for read in
        ["cmdstat_get:", "cmdstat_strlen:", "cmdstat_hgetall:", "cmdstat_keys:", "cmdstat_eval:"]
    {
        assert!(!stats.contains(read), "{stats}");
    }
}

#[tokio::test]
async fn binary_names_and_a_full_server_are_walked() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("maxmemory", "3mb").start().unwrap();
        fill(&redis, "redis.call('SET', 'blob:' .. string.char(255, 254, 0), 'x')");
        let mut client = redis.connection().unwrap();
        let large = "x".repeat(500);
        let set = |n: u32| client.command(&["SET", &format!("k:{n}"), &large]);
        let refused = (0..100_000).map(set).find_map(Result::err).unwrap();
        assert!(refused.to_string().contains("OOM"), "{refused}");
        let found = walk(&redis.url(), &fast(Way::All)).await;
        let sample = value(&found.keys);
        assert!(sample.is_complete && sample.sampled > 1000, "{version} {}", sample.sampled);
        assert!((share(sample, "blob:*").0 - 1.0).abs() < 1e-6);
        assert!(sample.longest_names.iter().any(|key| key.name == "blob:\\xff\\xfe\\u{0}"));
    }
}

#[tokio::test]
async fn a_server_killed_midway_leaves_what_was_seen() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    fill(&redis, "for i = 1, 300000 do redis.call('SET', 'key:' .. i, 'v') end");
    let target = Target::parse(&redis.url()).unwrap();
    let meter = Arc::new(Meter::default());
    let seen = Arc::clone(&meter);
    let walking = tokio::spawn(async move { scan(&target, &fast(Way::All), None, &seen).await });
    while meter.progress().0 < 1000 {
        tokio::task::yield_now().await;
    }
    redis.kill().unwrap();
    let found = walking.await.unwrap().unwrap();
    let sample = value(&found.keys);
    assert!(found.is_partial && found.unfinished.is_some());
    // What was asked and not answered does not count: one request of 125 keys.
    assert!((875..300_000).contains(&sample.named), "{}", sample.named);
    assert!(sample.nodes[0].problem.is_some() && !gaps(&found).is_empty());
}

#[tokio::test]
async fn a_replica_is_walked_in_place_of_its_primary() {
    let primary = Redis::builder(RedisVersion::V7).start().unwrap();
    let replica = primary.replica().unwrap();
    fill(&primary, "for i = 1, 500 do redis.call('SET', 'k:' .. i, 'v') end");
    primary.wait_for_replica(&replica).unwrap();
    let node = |scan: &Scan| value(&scan.keys).nodes[0].clone();
    let found = walk(&primary.url(), &fast(Way::All)).await;
    assert_eq!(node(&found).endpoint, format!("127.0.0.1:{}", replica.port()));
    assert_eq!((node(&found).role.as_str(), value(&found.keys).sampled), ("replica", 500));
    assert!(value(&found.keys).idlest.is_empty(), "idle times of a replica are its own");
    let request = Request { prefer_replica: false, ..fast(Way::All) };
    let found = walk(&primary.url(), &request).await;
    assert_eq!(node(&found).endpoint, format!("127.0.0.1:{}", primary.port()));
    replica.kill().unwrap();
    let found = walk(&primary.url(), &fast(Way::All)).await;
    assert_eq!((node(&found).role.as_str(), value(&found.keys).sampled), ("primary", 500));
}

#[tokio::test]
async fn the_most_used_key_leads_and_looking_uses_none() {
    let redis =
        Redis::builder(RedisVersion::V7).config("maxmemory-policy", "allkeys-lfu").start().unwrap();
    fill(&redis, "for i = 1, 300 do redis.call('SET', 'k:' .. i, 'v') end");
    fill(&redis, "for i = 1, 20000 do redis.call('GET', 'k:77') end");
    let counter = redis.cli(&["OBJECT", "FREQ", "k:77"]).unwrap();
    let found = walk(&redis.url(), &fast(Way::All)).await;
    let hottest = &value(&found.keys).hottest[0];
    assert_eq!((hottest.name.as_str(), hottest.frequency), ("k:77", counter.parse().ok()));
    assert_eq!(redis.cli(&["OBJECT", "FREQ", "k:77"]).unwrap(), counter);
}
