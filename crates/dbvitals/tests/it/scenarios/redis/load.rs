//! Keys in bulk, and clients that keep a server busy while it is watched.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use dbvitals_testkit::Redis;

/// Writes that many strings, `name(n)` each with the same value.
pub(crate) fn strings(redis: &Redis, count: usize, value: &str, name: impl Fn(usize) -> String) {
    let mut connection = redis.connection().unwrap();
    let all: Vec<usize> = (0..count).collect();
    // A command's own arguments count as used memory while it runs: large values go one by one.
    for some in all.chunks((200_000 / value.len()).clamp(1, 1000)) {
        let names: Vec<String> = some.iter().map(|n| name(*n)).collect();
        let mut words = vec!["MSET"];
        words.extend(names.iter().flat_map(|name| [name.as_str(), value]));
        connection.command(&words).unwrap();
    }
}

/// A hash of that many fields.
pub(crate) fn hash(redis: &Redis, key: &str, fields: usize) {
    let mut connection = redis.connection().unwrap();
    let names: Vec<String> = (0..fields).map(|n| format!("field:{n}")).collect();
    for some in names.chunks(1000) {
        let mut words = vec!["HSET", key];
        words.extend(some.iter().flat_map(|name| [name.as_str(), "value"]));
        connection.command(&words).unwrap();
    }
}

/// One client that repeats a step until it is dropped.
#[derive(Debug)]
pub(crate) struct Busy {
    stop: Arc<AtomicBool>,
    client: Option<JoinHandle<()>>,
}

impl Busy {
    /// Begins; returns once the step was done for the first time.
    pub(crate) fn with(mut step: impl FnMut() + Send + 'static) -> Self {
        step();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let client = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                step();
            }
        });
        Self { stop, client: Some(client) }
    }

    /// One client that repeats a command over one connection.
    pub(crate) fn repeating(redis: &Redis, words: &'static [&'static str]) -> Self {
        let mut connection = redis.connection().unwrap();
        Self::with(move || {
            connection.command(words).unwrap();
        })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(client) = self.client.take() {
            client.join().unwrap();
        }
    }
}
