//! How a report is shown: arguments of every command that ends in one.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

/// How to show a report.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct Showing {
    /// Format of standard output
    #[arg(long, short, value_enum, env = "DBVITALS_FORMAT", default_value = "terminal")]
    pub(crate) format: Format,

    /// Also write a report to FILE; its ending chooses the format (.html, .md, .json, .sarif, .xml)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,

    /// Show every finding, and every condition of a plan, in full
    #[arg(long)]
    pub(crate) all: bool,

    /// Colour of the terminal report
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) color: Color,

    /// Width of the terminal report in columns [default: the terminal's, else 80]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..=400))]
    pub(crate) width: Option<u16>,

    /// Nothing but errors on standard error
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// A report format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading at a terminal
    #[default]
    Terminal,
    /// The versioned contract for programs
    Json,
    /// GitHub-flavoured Markdown
    Markdown,
    /// One self-contained page
    Html,
    /// For code-scanning tools
    Sarif,
    /// For continuous-integration servers
    Junit,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
