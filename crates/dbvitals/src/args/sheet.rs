//! Arguments of the commands that show sheets: which servers, and how to show what was seen.

use clap::{Args as ClapArgs, ValueEnum};

use super::{showing::Color, targets::TargetArgs};

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
    /// One self-contained page
    Html,
}
