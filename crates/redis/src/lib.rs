//! The Redis and Valkey adapter: connecting and collecting the sections of a snapshot.
//!
//! Everything here reads. No command that writes, blocks, resets a statistic or walks a whole keyspace is ever
//! sent, and no secret (password, hash, value of a key) is kept, except two or three counters of keys that an
//! application publishes for that. Traces cannot be avoided altogether: each key that is asked for type and expiry
//! counts as two keyspace hits, and the few keys that are asked for their number of elements count as used.

mod collect;
mod command;
mod connect;
mod error;
pub mod keyspace;
mod link;
mod look;
mod probe;
mod reply;
mod rights;
mod target;
mod tls;
mod unavailable;
mod witness;

pub use collect::{Collected, Options, collect};
pub use command::{MONITOR_RULES, NEWER_RULES};
pub use error::Error;
pub use look::{Position, Watch};
pub use rights::rules;
pub use target::{Address, Target, TargetError, Tls};
