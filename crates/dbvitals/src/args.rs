//! What can be typed: one file per command.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod checks;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod log;
pub(crate) mod query;
pub(crate) mod redis;
pub(crate) mod sheet;
pub(crate) mod showing;
pub(crate) mod targets;

use clap::{Parser, Subcommand};

use crate::exit;

/// The performance engineer for PostgreSQL and Redis.
#[derive(Debug, Parser)]
#[command(
    name = "dbvitals",
    version,
    about,
    after_help = exit::TABLE,
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Examines servers and reports what is wrong, how we know, and what to do
    Audit(Box<audit::Args>),
    /// Answers in under a second whether servers are healthy, as a monitoring plugin does
    Check(check::Args),
    /// Lists the catalogue of checks
    Checks(checks::Args),
    /// Explains a check: what it detects, why it matters, how to fix it
    Explain(checks::ExplainArgs),
    /// Shows settings and where each comes from
    #[command(subcommand)]
    Config(config::Command),
    /// Reads a PostgreSQL server's log: slow statements, errors, waits, maintenance, sessions, and what to do
    Log(Box<log::Args>),
    /// Tells what is slow about statements, why, and what to write instead
    #[command(subcommand)]
    Query(query::Command),
    /// Looks into a Redis or Valkey server: its keys, and what they cost
    #[command(subcommand)]
    Redis(redis::Command),
    /// Audits throwaway servers with planted problems, and leaves nothing behind
    Demo(demo::Args),
    /// Prints the JSON Schema of the report
    Schema,
    /// Prints a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page (roff)
    Man,
    /// Writes the generated reference pages into a folder
    #[command(hide = true)]
    Reference {
        /// The folder
        folder: std::path::PathBuf,
        /// A checkout, from whose tests the page on what proves each check is written
        #[arg(long, value_name = "FOLDER")]
        sources: Option<std::path::PathBuf>,
    },
}
