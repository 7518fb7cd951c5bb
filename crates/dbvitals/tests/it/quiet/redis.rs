//! A cache, a queue, a session store and a server nobody uses yet, on every version.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use dbvitals_testkit::{Redis, RedisBuilder, RedisVersion};

use super::finds;

/// Clients that use a server until they are dropped.
struct Traffic {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

impl Traffic {
    fn none() -> Self {
        Self { stop: Arc::default(), clients: Vec::new() }
    }

    /// One more client that repeats a step, given the number of the turn.
    fn and(mut self, redis: &Redis, step: impl Fn(&mut Client, u64) + Send + 'static) -> Self {
        let mut client = Client::of(redis);
        step(&mut client, 0);
        let stop = Arc::clone(&self.stop);
        self.clients.push(std::thread::spawn(move || {
            let mut turn = 1;
            while !stop.load(Ordering::Relaxed) {
                step(&mut client, turn);
                turn += 1;
                // Applications do something with what they read.
                std::thread::sleep(Duration::from_micros(500));
            }
        }));
        self
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            client.join().unwrap();
        }
    }
}

/// A connection of an application that gave its name.
struct Client(dbvitals_testkit::RespConnection);

impl Client {
    fn of(redis: &Redis) -> Self {
        let mut connection = redis.connection().unwrap();
        connection.command(&["CLIENT", "SETNAME", "shop"]).unwrap();
        Self(connection)
    }

    /// Runs a command; its reply as one text.
    fn run(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        self.0.command(&words).unwrap().text()
    }
}

/// Settings any careful administrator has made, whatever the server is for.
fn kept(version: RedisVersion) -> RedisBuilder {
    Redis::builder(version)
        .password("correct-horse-battery-staple")
        .config("latency-monitor-threshold", "100")
        .config("maxmemory", "64mb")
}

/// What is right of every server here, whatever it is for.
fn always(version: RedisVersion) -> [&'static str; 2] {
    [
        // One password for all: whoever has it may do anything. True, and information on a server only this machine reaches.
        "info redis-default-user-unrestricted default",
        // The servers of these tests are old, which is what the audit is for.
        match version {
            RedisVersion::V6_2 => "warning redis-version-vulnerable server",
            RedisVersion::V7 => "warning redis-version-end-of-life server",
        },
    ]
}

/// How fast this machine happens to be at the moment is no matter of the servers.
const OF_THE_MACHINE: &str =
    "redis-cpu,redis-command-latency,redis-fork-slow,redis-latency-event,redis-slow-command";

/// Looks without a window and with one, and finds what is always right and this.
fn looks(what: &str, redis: &Redis, expected: &[&str]) {
    let version = redis.version();
    let expected = [&always(version)[..], expected].concat();
    let url = format!("server={}", redis.url());
    let once = [&url, "--only", "redis-*", "--except", OF_THE_MACHINE];
    finds(&format!("{what}, {version}"), &once, &expected);
    let twice = [&once[..], &["--interval", "2s"]].concat();
    finds(&format!("{what}, {version}, with a window"), &twice, &expected);
}

#[test]
fn a_cache() {
    for version in RedisVersion::ALL {
        let redis = kept(version)
            .config("maxmemory", "12mb")
            .config("maxmemory-policy", "allkeys-lru")
            .config("save", "\"\"")
            .start()
            .unwrap();
        let mut client = Client::of(&redis);
        let page = "x".repeat(1000);
        // More than there is room for: a cache that works is full, and gives up its oldest keys.
        for n in 0..12_000 {
            let ttl = 600 + (n * 37) % 3000;
            client.run(&format!("SET page:{n} {page} EX {ttl}"));
        }
        // Most reads are of few pages; a page that is missing is made and kept.
        let traffic = Traffic::none().and(&redis, |client, turn| {
            let page = "x".repeat(1000);
            for n in 0..60 {
                let n = 11_999 - (turn + n) % 300;
                if client.run(&format!("GET page:{n}")).is_empty() {
                    client.run(&format!("SET page:{n} {page} EX {}", 600 + (turn * 41) % 3000));
                }
            }
            let (n, ttl) = (12_000 + turn, 600 + (turn * 37) % 3000);
            client.run(&format!("SET page:{n} {page} EX {ttl}"));
        });
        // It is full, and this is how it makes room: worth knowing, and no more while it answers.
        looks("a cache", &redis, &["info redis-evictions server"]);
        drop(traffic);
    }
}

#[test]
fn a_queue() {
    for version in RedisVersion::ALL {
        let redis = kept(version)
            .config("appendonly", "yes")
            .config("maxmemory-policy", "noeviction")
            .start()
            .unwrap();
        redis.cli(&["XGROUP", "CREATE", "events", "mailers", "$", "MKSTREAM"]).unwrap();
        let traffic = Traffic::none()
            .and(&redis, |client, turn| {
                client.run(&format!("LPUSH jobs job-{turn}"));
                client.run(&format!("XADD events MAXLEN ~ 1000 * id {turn}"));
            })
            .and(&redis, |client, _| {
                client.run("BRPOP jobs 0.1");
            })
            .and(&redis, |client, _| {
                client
                    .run("XREADGROUP GROUP mailers one COUNT 10 BLOCK 100 NOACK STREAMS events >");
            });
        // Workers of queues with nothing to do wait for ever.
        let mut waiting: Vec<Client> = (0..3).map(|_| Client::of(&redis)).collect();
        for client in &mut waiting {
            client.0.send(&["BRPOP", "mails", "0"]).unwrap();
        }
        looks("a queue", &redis, &[]);
        drop(traffic);
    }
}

#[test]
fn a_session_store() {
    for version in RedisVersion::ALL {
        let redis = kept(version)
            .config("appendonly", "yes")
            .config("maxmemory-policy", "volatile-ttl")
            .start()
            .unwrap();
        let mut client = Client::of(&redis);
        for n in 0..5000 {
            client.run(&format!("HSET session:{n:08x} user {n} seen 1700000000 theme dark"));
            client.run(&format!("EXPIRE session:{n:08x} {}", 900 + (n * 7) % 2700));
        }
        let traffic = Traffic::none().and(&redis, |client, turn| {
            let n = (turn * 7919) % 5000;
            client.run(&format!("HGETALL session:{n:08x}"));
            client.run(&format!("EXPIRE session:{n:08x} {}", 900 + (turn * 13) % 2700));
        });
        looks("a session store", &redis, &[]);
        drop(traffic);
    }
}

#[test]
fn a_server_nobody_uses_yet() {
    for version in RedisVersion::ALL {
        // As the package ships it.
        let redis =
            Redis::builder(version).config("save", "3600 1 300 100 60 10000").start().unwrap();
        let expected = [
            // Off as shipped; switching it on costs nothing and is needed before the first standstill.
            "info redis-latency-monitor-off latency-monitor-threshold",
            // On loopback only information: every process of this machine may do anything.
            "info redis-no-authentication default",
            // Nothing bounds it: on the day it fills the machine, the kernel kills it. Before anybody relies on it, this is
            // the setting to make.
            "warning redis-no-memory-limit server",
        ];
        looks("a fresh server", &redis, &expected);
    }
}
