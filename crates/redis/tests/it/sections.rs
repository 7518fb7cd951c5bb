//! Every section, on every version, of a primary and of a replica.

use std::time::Duration;

use dbvitals_model::{Reason, ServerVersion};
use dbvitals_redis::Options;
use dbvitals_testkit::{Redis, RedisVersion};

use crate::{audit, audit_with, options, value, why};

#[tokio::test]
async fn a_default_server_gives_every_section() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        let found = audit(&redis.url()).await;
        assert_eq!(found.problems, Vec::<String>::new());
        let snapshot = found.snapshot;

        let server = &snapshot.server;
        assert!(server.version >= ServerVersion::new(6, 2, 0), "{}", server.version);
        assert_eq!((server.flavour.as_str(), server.mode.as_str()), ("redis", "standalone"));
        assert_eq!((server.role.as_str(), server.user.as_deref()), ("master", Some("default")));
        assert!(server.is_local && !server.tls);
        assert!(server.connect_ms.unwrap() > 0.0 && server.round_trip_ms.unwrap() > 0.0);
        assert!(server.now.as_second() > 1_700_000_000);

        let info = value(&snapshot.info);
        assert_eq!(info.text("tcp_port"), Some(redis.port().to_string().as_str()));
        assert!(info.commands.iter().any(|stat| stat.name == "ping"), "{:?}", info.commands);
        assert_eq!(info.latency_percentiles.is_empty(), version == RedisVersion::V6_2);
        assert_eq!(value(&snapshot.config).text("bind"), Some("127.0.0.1"));
        assert_eq!(value(&snapshot.config).text("requirepass"), Some(""));
        assert!(value(&snapshot.memory_stats)["total.allocated"] > 0.0);
        assert_eq!(value(&snapshot.slowlog).entries, []);
        assert_eq!(value(&snapshot.clients), &[]);
        let users = value(&snapshot.users);
        assert!(users[0].no_password && users[0].all_commands && users[0].all_keys, "{users:?}");
        assert_eq!(value(&snapshot.acl_log), &[]);
        let sample = value(&snapshot.key_sample);
        assert!(sample.is_complete && sample.total == 0, "{sample:?}");

        assert_eq!(why(&snapshot.cluster).reason, Reason::NotApplicable);
        assert_eq!(why(&snapshot.latency).reason, Reason::Disabled);
        assert_eq!(why(&snapshot.window).reason, Reason::NotAsked);
        let info_cost = found.cost.iter().find(|cost| cost.collector == "info").unwrap();
        assert!(info_cost.bytes > 1000 && info_cost.elapsed_ms > 0.0, "{info_cost:?}");
        // An audit causes no error replies, so it never shows up in its own findings.
        let again = audit(&redis.url()).await.snapshot;
        assert_eq!(value(&again.info).errors.len(), 0, "{:?}", value(&again.info).errors);
    }
}

#[tokio::test]
async fn slow_commands_and_clients_are_seen() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("slowlog-log-slower-than", "0").start().unwrap();
        let mut client = redis.connection().unwrap();
        client.command(&["CLIENT", "SETNAME", "shop"]).unwrap();
        client.command(&["SELECT", "2"]).unwrap();
        client.command(&["SET", "user:1:token", "hunter2"]).unwrap();
        redis.cli(&["CONFIG", "SET", "slowlog-log-slower-than", "-1"]).unwrap();
        let snapshot = audit(&redis.url()).await.snapshot;

        let slowlog = value(&snapshot.slowlog);
        let set = slowlog.entries.iter().find(|entry| entry.command == "set").unwrap();
        assert_eq!((set.key.as_deref(), set.arguments), (Some("user:1:token"), 3));
        assert_eq!(set.client.as_deref(), Some("shop"));
        assert!(!serde_json::to_string(&snapshot).unwrap().contains("hunter2"));
        let clients = value(&snapshot.clients);
        assert_eq!(clients.len(), 1, "{clients:?}");
        assert_eq!((clients[0].name.as_str(), clients[0].database), ("shop", 2));
    }
}

#[tokio::test]
async fn latency_events_are_read() {
    // Only 6.2 allows DEBUG SLEEP without a setting.
    for (version, allow) in [(RedisVersion::V6_2, None), (RedisVersion::V7, Some("local"))] {
        let mut builder = Redis::builder(version).config("latency-monitor-threshold", "1");
        if let Some(allow) = allow {
            builder = builder.config("enable-debug-command", allow);
        }
        let redis = builder.start().unwrap();
        redis.cli(&["DEBUG", "SLEEP", "0.02"]).unwrap();
        let snapshot = audit(&redis.url()).await.snapshot;
        let events = value(&snapshot.latency);
        assert!(events.iter().any(|it| it.event == "command" && it.max_ms >= 20), "{events:?}");
    }
}

#[tokio::test]
async fn a_replica_says_so_and_each_offers_the_other() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        let replica = primary.replica().unwrap();
        let of_primary = audit(&primary.url()).await;
        let of_replica = audit(&replica.url()).await;
        assert_eq!(of_primary.snapshot.server.role, "master");
        assert_eq!(of_replica.snapshot.server.role, "slave");
        assert_eq!(of_primary.offered, [format!("redis://127.0.0.1:{}", replica.port())]);
        assert_eq!(of_replica.offered, [format!("redis://127.0.0.1:{}", primary.port())]);
        let replicas = &value(&of_primary.snapshot.info).replicas;
        assert_eq!((replicas.len(), replicas[0].state.as_str()), (1, "online"));
        assert_eq!(value(&of_replica.snapshot.info).text("master_link_status"), Some("up"));
        assert!(of_replica.snapshot.key_sample.value().is_some());
        let clients = value(&of_primary.snapshot.clients);
        assert!(clients.iter().any(|client| client.flags.contains('S')), "{clients:?}");
    }
}

#[tokio::test]
async fn a_cluster_node_tells_its_cluster() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("cluster-enabled", "yes").start().unwrap();
        redis.cli(&["CLUSTER", "ADDSLOTS", "0"]).unwrap();
        let found = audit(&redis.url()).await;
        assert_eq!(found.snapshot.server.mode, "cluster");
        assert_eq!(value(&found.snapshot.cluster)["cluster_slots_assigned"], "1");
        assert!(value(&found.snapshot.key_sample).is_complete);
    }
}

#[tokio::test]
async fn a_window_holds_what_happened_in_it_and_nothing_of_ours() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        redis.cli(&["SET", "k", "v"]).unwrap();
        let mut client = redis.connection().unwrap();
        let options = Options { window: Some(Duration::from_millis(300)), ..options() };
        let url = redis.url();
        let audit = tokio::spawn(async move { audit_with(&url, &options).await });
        let mut reads = 0;
        while !audit.is_finished() {
            client.command(&["GET", "k"]).unwrap();
            reads += 1;
            tokio::task::yield_now().await;
        }
        let snapshot = audit.await.unwrap().snapshot;
        let window = value(&snapshot.window);
        assert!(window.seconds >= 0.3, "{}", window.seconds);
        let hits = window.counters["keyspace_hits"];
        assert!(hits > 0 && hits <= reads, "{hits} of {reads}");
        let names: Vec<&str> = window.commands.iter().map(|stat| stat.name.as_str()).collect();
        assert_eq!(names, ["get", "info"]);
        assert_eq!(window.commands[0].calls, hits);
        assert!(window.cpu_ratio.unwrap() >= 0.0, "{:?}", window.cpu_ratio);
    }
}

#[tokio::test]
async fn statistics_reset_in_the_window_give_no_rates() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    for _ in 0..200 {
        redis.cli(&["PING"]).unwrap();
    }
    let options = Options { window: Some(Duration::from_millis(200)), ..options() };
    let url = redis.url();
    let audit = tokio::spawn(async move { audit_with(&url, &options).await });
    let mut client = redis.connection().unwrap();
    // Whenever the first look was: from then on the counter is always smaller than it was.
    while !audit.is_finished() {
        client.command(&["CONFIG", "RESETSTAT"]).unwrap();
        tokio::task::yield_now().await;
    }
    let snapshot = audit.await.unwrap().snapshot;
    if let Some(window) = snapshot.window.value() {
        assert!(window.counters.values().all(|count| *count >= 0));
    } else {
        assert!(why(&snapshot.window).detail.contains("reset"));
    }
}
