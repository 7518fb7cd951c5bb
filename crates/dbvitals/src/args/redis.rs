//! Arguments of `dbvitals redis …`: one file per subcommand.

pub(crate) mod clients;
pub(crate) mod keys;
pub(crate) mod latency;
pub(crate) mod slowlog;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{showing::Color, targets::TargetArgs};

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

/// Which server, and how to show what was seen: arguments of every subcommand.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,

    /// Format of standard output
    #[arg(long, short, value_enum, env = "DBVITALS_FORMAT", default_value = "terminal")]
    pub(crate) format: Format,

    /// When to colour the output
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) color: Color,

    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A format of these commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading at a terminal
    #[default]
    Terminal,
    /// For programs
    Json,
    /// GitHub-flavoured Markdown
    Markdown,
}
