//! Arguments of `dbvitals query lint`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::args::{audit::FailOn, showing::Color};

/// Arguments of `dbvitals query lint`.
#[derive(Debug, Clone, ClapArgs)]
#[command(
    after_help = "A comment `-- dbvitals: ignore RULE` in front of a statement, or in it, leaves a rule out for it."
)]
pub(crate) struct Args {
    /// Scripts; `-` or none reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Major version of the server that will run them
    #[arg(long, value_name = "VERSION", default_value = "18", value_parser = clap::value_parser!(u32).range(13..=18))]
    pub(crate) pg_version: u32,

    /// A migration tool runs each script inside a transaction
    #[arg(long)]
    pub(crate) in_transaction: bool,

    /// A table that is partitioned, where the scripts do not show it
    #[arg(long, value_name = "TABLE")]
    pub(crate) partitioned: Vec<String>,

    /// Only these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) rule: Vec<String>,

    /// Not these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) except: Vec<String>,

    /// Exit with 1 when something at least this severe is found
    #[arg(long, value_enum, default_value = "warning")]
    pub(crate) fail_on: FailOn,

    /// Format of standard output
    #[arg(long, short, value_enum, default_value = "terminal")]
    pub(crate) format: Format,

    /// When to colour
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) color: Color,

    /// List the rules, and what each finds
    #[arg(long)]
    pub(crate) list_rules: bool,
}

/// Format of what the linter found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading at a terminal
    Terminal,
    /// For programs
    Json,
    /// For code-scanning tools
    Sarif,
}
