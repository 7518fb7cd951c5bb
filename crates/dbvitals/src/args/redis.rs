//! Arguments of `dbvitals redis …`: one file per subcommand.

pub(crate) mod clients;
pub(crate) mod keys;
pub(crate) mod latency;
pub(crate) mod slowlog;

use clap::Subcommand;

pub(crate) use super::sheet::{Common, Format};

/// What to look at.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Walks the keys with SCAN, gently: memory, types, expiry, big, hot and idle keys
    Keys(Box<keys::Args>),
    /// Sums up the keys by the pattern of their names
    Patterns(Box<keys::Args>),
    /// Shows the slow log by command and pattern of keys, with clients and what the time grows with
    Slowlog(Box<slowlog::Args>),
    /// Measures latency: round trips, percentiles of commands, standstills and what to do about them
    Latency(Box<latency::Args>),
    /// Shows who is connected: by address, name, user, library; idle, heavy, blocked, coming and going
    Clients(Box<clients::Args>),
}
