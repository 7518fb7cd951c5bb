//! The platform's Redis: sessions, auctions, API answers, a leaderboard; and how it is read.

use dbvitals_testkit::{Redis, RespConnection, TestkitError};

/// Answers awaited together: keeps the wire busy without holding everything in memory.
const BATCH: usize = 500;

/// Fills the cache; at scale 1 about 46 thousand keys.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small positive counts"
)]
pub(super) fn fill(redis: &Redis, scale: f64) -> Result<(), TestkitError> {
    let count = |base: f64| (base * scale).ceil() as usize;
    let mut connection = redis.connection()?;
    // redis-keys-without-ttl and redis-eviction-policy-mismatch: cached auctions never expire.
    each(&mut connection, count(36_000.0), |i| {
        words(&["HSET", &format!("auction:{i}"), "title", "Lot", "state", "open", "bids", "12"])
    })?;
    each(&mut connection, count(3_000.0), |i| {
        words(&["SET", &format!("session:{:08x}", i * 2_654_435), "{\"user\":1}", "EX", "3600"])
    })?;
    // redis-long-key-names: the whole query string became part of the name.
    each(&mut connection, count(3_000.0), |i| {
        let name = format!("api:v1:search:{}:{i}", "filter=featured&sort=ends_at&".repeat(10));
        words(&["SET", &name, "[]"])
    })?;
    each(&mut connection, count(4_000.0), |i| words(&["SET", &format!("flag:{i}"), "1"]))?;
    // redis-big-key: lists that only ever grow, and one sorted set for everybody.
    each(&mut connection, 150 * 25, |i| {
        let mut push = words(&["RPUSH", &format!("history:{}", i % 150)]);
        push.extend((0..420).map(|n| (n * 7).to_string()));
        push
    })?;
    each(&mut connection, count(1_200.0).max(1_000), |i| {
        let mut members = words(&["ZADD", "leaderboard:global"]);
        for n in 0..100 {
            members.extend([(i * 100 + n).to_string(), format!("user:{}", i * 100 + n)]);
        }
        members
    })?;
    // redis-multiple-databases
    connection.command(&["SELECT", "3"])?;
    connection.command(&["SET", "jobs:last", "4711"])?;
    Ok(())
}

/// Looks up that many keys, most of which are not there (redis-low-hit-ratio).
pub(super) fn read(redis: &Redis, times: usize) -> Result<(), TestkitError> {
    look_up(&mut redis.connection()?, times)
}

/// A sort and a walk over everything (redis-slow-command, redis-blocking-command).
pub(super) fn walk_everything(connection: &mut RespConnection) -> Result<(), TestkitError> {
    connection.command(&["SORT", "leaderboard:global", "ALPHA", "LIMIT", "0", "10"])?;
    connection.command(&["KEYS", "auction:*"])?;
    Ok(())
}

/// Looks up that many keys on an open connection; three of four are missing.
pub(super) fn look_up(connection: &mut RespConnection, times: usize) -> Result<(), TestkitError> {
    each(connection, times, |i| {
        let kind = if i % 4 == 0 { "flag" } else { "profile" };
        words(&["GET", &format!("{kind}:{}", i % 3000)])
    })
}

fn each(
    connection: &mut RespConnection,
    times: usize,
    command: impl Fn(usize) -> Vec<String>,
) -> Result<(), TestkitError> {
    let mut done = 0;
    while done < times {
        let batch = done..(done + BATCH).min(times);
        let sent = batch.len();
        for i in batch {
            let words = command(i);
            connection.send(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        for _ in 0..sent {
            connection.receive("a batch")?;
        }
        done += sent;
    }
    Ok(())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
