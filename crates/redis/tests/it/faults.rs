//! Peers that are not Redis, do not answer, or stop in the middle.

use std::time::Duration;

use dbvitals_model::Reason;
use dbvitals_redis::{Error, Options};
use dbvitals_testkit::{Hostile, PgVersion, Postgres, Redis, RedisVersion};

use crate::{audit_with, failure, failure_of_silent, options, remedy};

#[tokio::test]
async fn nobody_listens() {
    let hostile = Hostile::refuses().unwrap();
    let refused = failure(&hostile.redis_url()).await.unavailable();
    assert!(refused.detail.contains(&hostile.port().to_string()), "{refused:?}");
    assert!(remedy(&refused).contains("start the server"), "{refused:?}");
}

#[tokio::test]
async fn nobody_answers() {
    let hostile = Hostile::never_answers().unwrap();
    for scheme in ["redis", "rediss"] {
        let error = failure_of_silent(&format!("{scheme}://127.0.0.1:{}", hostile.port())).await;
        assert!(error.is_timeout(), "{error:?}");
        assert_eq!(error.unavailable().reason, Reason::Timeout);
    }
}

#[tokio::test]
async fn the_url_decides_how_long_to_wait() {
    let hostile = Hostile::never_answers().unwrap();
    let error = failure(&format!("{}?timeout=50ms", hostile.redis_url())).await;
    assert!(error.to_string().contains("50ms"), "{error}");
}

#[tokio::test]
async fn others_at_the_port_are_named() {
    for (words, who) in [
        (&b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..], "HTTP"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
        (b"N", "PostgreSQL"),
        (b"\x4a\0\0\0\x0a8.0.36\0", "MySQL"),
        (b"\0\xff\xfe garbage", "not the Redis protocol"),
    ] {
        let hostile = Hostile::says(words).unwrap();
        let error = failure(&hostile.redis_url()).await;
        let Error::Foreign { what, .. } = &error else { panic!("{who}: {error:?}") };
        assert!(what.contains(who), "{who}: {what}");
    }
}

#[tokio::test]
async fn a_real_postgres_at_the_port_is_named() {
    let postgres = Postgres::builder(PgVersion::V16).start().unwrap();
    for scheme in ["redis", "rediss"] {
        let error = failure(&format!("{scheme}://127.0.0.1:{}", postgres.port())).await;
        let Error::Foreign { what, .. } = &error else { panic!("{error:?}") };
        assert!(what.contains("PostgreSQL"), "{what}");
        assert!(remedy(&error.unavailable()).contains("postgres://"));
    }
}

#[tokio::test]
async fn protected_mode_and_a_full_house_are_told_though_they_hang_up() {
    let denied =
        b"-DENIED Redis is running in protected mode because protected mode is enabled\r\n";
    let error = failure(&Hostile::says(denied).unwrap().redis_url()).await;
    assert_eq!(error.code(), Some("DENIED"), "{error:?}");
    assert!(remedy(&error.unavailable()).contains("protected mode"));
}

#[tokio::test]
async fn too_many_clients() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("maxclients", "5").start().unwrap();
        // Connections are taken until the server refuses one; how many are free at first is not ours to know.
        let mut taken = Vec::new();
        loop {
            let mut next = redis.connection().unwrap();
            if next.command(&["PING"]).is_err() {
                break;
            }
            taken.push(next);
        }
        let error = failure(&redis.url()).await;
        assert!(error.to_string().contains("max number of clients"), "{error:?}");
        assert!(remedy(&error.unavailable()).contains("maxclients"));
    }
}

#[tokio::test]
async fn a_server_that_cannot_save_is_read_all_the_same() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version)
            .config("save", "3600 1000")
            .config("dbfilename", "taken")
            .start()
            .unwrap();
        redis.cli(&["SET", "k", "v"]).unwrap();
        // A folder in the place of the file: the server cannot rename its snapshot to it.
        std::fs::create_dir(redis.folder().join("taken")).unwrap();
        std::fs::write(redis.folder().join("taken/full"), "").unwrap();
        redis.cli(&["SAVE"]).unwrap_err();
        redis.cli(&["BGSAVE"]).unwrap();
        while redis.info("persistence").unwrap().contains("rdb_bgsave_in_progress:1") {
            tokio::task::yield_now().await;
        }
        let refused = redis.cli(&["PING"]).unwrap_err().to_string();
        assert!(refused.contains("MISCONF"), "{refused}");
        let found = audit_with(&redis.url(), &options()).await;
        let info = found.snapshot.info.value().unwrap();
        assert_eq!(info.text("rdb_last_bgsave_status"), Some("err"));
        assert_eq!(found.snapshot.key_sample.value().unwrap().sampled, 1);
    }
}

#[tokio::test]
async fn a_replica_that_lost_its_primary_and_serves_no_stale_data() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).start().unwrap();
        primary.cli(&["SET", "k", "v"]).unwrap();
        let replica = primary
            .replica_with(|builder| builder.config("replica-serve-stale-data", "no"))
            .unwrap();
        primary.kill().unwrap();
        while replica.info("replication").unwrap().contains("master_link_status:up") {
            tokio::task::yield_now().await;
        }
        let snapshot = audit_with(&replica.url(), &options()).await.snapshot;
        assert_eq!(snapshot.info.value().unwrap().text("master_link_status"), Some("down"));
        assert!(snapshot.config.value().is_some());
        let keys = snapshot.key_sample.get().unwrap_err();
        assert!(keys.detail.contains("MASTERDOWN"), "{keys:?}");
    }
}

#[tokio::test]
async fn a_script_without_end_is_told() {
    for (version, limit) in
        [(RedisVersion::V6_2, "lua-time-limit"), (RedisVersion::V7, "busy-reply-threshold")]
    {
        let redis = Redis::builder(version).config(limit, "1").start().unwrap();
        let mut client = redis.connection().unwrap();
        client.send(&["EVAL", "while true do end", "0"]).unwrap();
        while redis.cli(&["PING"]).is_ok() {
            tokio::task::yield_now().await;
        }
        let error = failure(&redis.url()).await;
        assert_eq!(error.code(), Some("BUSY"), "{error:?}");
        assert!(remedy(&error.unavailable()).contains("SCRIPT KILL"));
        redis.cli(&["SCRIPT", "KILL"]).unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_loading_says_so() {
    for version in RedisVersion::ALL {
        // The server listens while it loads, once per 2 MB; 4 MB at 20 ms per key take a while.
        let redis = Redis::builder(version)
            .config("key-load-delay", "20000")
            .config("rdbcompression", "no")
            .start()
            .unwrap();
        for number in 0..60 {
            redis.cli(&["SET", &format!("k{number}"), &"x".repeat(100_000)]).unwrap();
        }
        redis.cli(&["SAVE"]).unwrap();
        redis.kill().unwrap();
        let url = redis.url();
        let starting = tokio::task::spawn_blocking(move || redis.start().map(|()| redis));
        let mut seen = None;
        while seen.is_none() && !starting.is_finished() {
            let target = dbvitals_redis::Target::parse(&url).unwrap();
            let answer = dbvitals_redis::collect(&target, &options()).await;
            seen = answer.err().filter(|error| matches!(error, Error::Loading { .. }));
        }
        let error = seen.expect("the server never said that it is loading");
        assert!(remedy(&error.unavailable()).contains("loading:0"));
        starting.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_came_before_the_cut_is_kept() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).start().unwrap();
        for bytes in [0, 1, 20, 200, 1000, 3000, 6000, 9000, 12_000, 15_000] {
            for hostile in [
                Hostile::cuts_after(redis.port(), bytes).unwrap(),
                Hostile::stalls_after(redis.port(), bytes).unwrap(),
            ] {
                let target = dbvitals_redis::Target::parse(&hostile.redis_url()).unwrap();
                let options = Options { timeout: Duration::from_millis(200), ..Options::default() };
                match dbvitals_redis::collect(&target, &options).await {
                    Ok(found) => {
                        assert!(found.problems.len() <= 1, "{:?}", found.problems);
                        let is_cut = found.snapshot.key_sample.value().is_none();
                        assert_eq!(is_cut, found.problems.len() == 1, "{bytes}");
                        assert!(bytes < 9000 || found.snapshot.info.value().is_some());
                    }
                    Err(error) => assert!(bytes < 1000 && error.is_connection_lost(), "{error:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_server_killed_in_the_window_leaves_a_partial_snapshot() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let options = Options { window: Some(Duration::from_millis(500)), ..options() };
    let url = redis.url();
    let audit = tokio::spawn(async move { audit_with(&url, &options).await });
    while !redis.cli(&["CLIENT", "LIST"]).unwrap().contains("cmd=info") {
        tokio::task::yield_now().await;
    }
    redis.kill().unwrap();
    let found = audit.await.unwrap();
    assert!(found.snapshot.info.value().is_some());
    assert!(found.snapshot.window.value().is_none());
    assert!(found.snapshot.key_sample.value().is_none());
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    assert!(found.problems[0].contains("kept"), "{:?}", found.problems);
}

#[tokio::test]
async fn a_frozen_server_costs_one_deadline() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    redis.freeze().unwrap();
    let error = failure_of_silent(&redis.url()).await;
    assert!(error.is_timeout(), "{error:?}");
    redis.thaw().unwrap();
}
