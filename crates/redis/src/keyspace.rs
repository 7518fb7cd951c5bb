//! Walking the keyspace: bounded, gentle, resumable, with the error of every estimate.
//!
//! Names come from `SCAN` with a small `COUNT`; details are asked in requests of some dozen keys, while a second
//! connection listens how long others have to wait. Never sent: `KEYS`, `MONITOR`, scripts, resets, and anything that
//! reads a value (but two or three counters of hashes that publish a hit ratio).

mod ask;
mod book;
mod course;
#[cfg(test)]
mod coverage;
mod describe;
mod details;
mod estimate;
mod extra;
mod facts;
mod glob;
mod leaders;
mod name_pattern;
mod node;
mod nodes;
mod pace;
mod parse;
mod repeats;
mod section;
mod sizes;
mod slots;
mod state;
mod tally;
mod walk;
pub(crate) mod wire;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use dbvitals_model::{Section, redis::KeySample};
use serde::{Deserialize, Serialize};

use crate::{Error, Target};
pub(crate) use facts::Facts;
pub(crate) use name_pattern::pattern_of;
pub(crate) use node::sample;
pub use pace::Manner;
pub use state::State;

/// How much is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Every key is asked for its details.
    All,
    /// Every name is seen; details of about this many keys: all of rare patterns, every so many of common ones.
    Survey(usize),
    /// About this many keys at random places of the key table.
    Places(usize),
}

/// What to walk, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// How much is asked.
    pub way: Way,
    /// How gently.
    pub manner: Manner,
    /// Longest time; `None` goes on to the end.
    pub most_time: Option<Duration>,
    /// A replica is walked in place of its primary where one is reachable.
    pub prefer_replica: bool,
    /// Only these databases; empty for all.
    pub databases: Vec<i64>,
    /// Names of hashes with `hits` and `misses` or `requests`, with wildcards.
    pub hit_ratio_keys: Vec<String>,
    /// Chooses the places.
    pub seed: u64,
    /// Longest wait for any one answer, unless the target says otherwise.
    pub timeout: Duration,
}

impl Request {
    /// A gentle look of this kind, without any limit of time.
    pub fn new(way: Way) -> Self {
        Self {
            way,
            manner: Manner::Gentle,
            most_time: None,
            prefer_replica: true,
            databases: Vec::new(),
            hit_ratio_keys: vec!["*stats*".to_owned()],
            seed: 0,
            timeout: Duration::from_secs(5),
        }
    }
}

/// What goes on, for whoever wants to know; and how to stop it.
#[derive(Debug, Default)]
pub struct Meter {
    named: AtomicU64,
    total: AtomicU64,
    stopped: AtomicBool,
}

impl Meter {
    /// Names seen, and how many there are.
    pub fn progress(&self) -> (u64, u64) {
        (self.named.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Ends the walk after the request under way.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn saw(&self, names: u64) {
        self.named.fetch_add(names, Ordering::Relaxed);
    }

    pub(crate) fn expects(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }
}

/// What a walk found.
#[derive(Debug)]
pub struct Scan {
    /// The keys, or why nothing is known of them.
    pub keys: Section<KeySample>,
    /// Where to go on; `None` once everything was walked.
    pub unfinished: Option<State>,
    /// The walk ended before its end: time was up, it was stopped, or a server went away.
    pub is_partial: bool,
}

/// Walks the keyspace behind `target`: the server itself or a replica of it, or all of its cluster. An error means that
/// the server could not be reached at all, or that `resume` is of another keyspace.
pub async fn scan(
    target: &Target,
    request: &Request,
    resume: Option<State>,
    meter: &Meter,
) -> Result<Scan, Error> {
    let begun = Instant::now();
    let way = request.way;
    let mut state = resume.unwrap_or_else(|| State::new(way));
    let servers = nodes::servers(target, request, meter, &mut state).await?;
    let deadline = request.most_time.map(|time| begun + time);
    let mut facts = None;
    for (index, server) in servers {
        facts = Some(node::walk_all(server, index, request, deadline, meter, &mut state).await);
    }
    state.seconds += begun.elapsed().as_secs_f64();
    let is_partial = !state.is_done() || !state.lost.is_empty();
    let keys = section::of(&state, facts.as_ref());
    let unfinished = (!state.is_done()).then_some(state);
    Ok(Scan { keys, unfinished, is_partial })
}
