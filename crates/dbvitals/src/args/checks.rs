//! Arguments of `dbvitals checks` and `dbvitals explain`.

use clap::{Args as ClapArgs, ValueEnum};

/// Arguments of `dbvitals checks`.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    /// Only checks whose id or title contains this, or matches it with wildcards
    pub(crate) filter: Option<String>,

    /// Only this topic
    #[arg(long)]
    pub(crate) topic: Option<String>,

    /// Format of the list
    #[arg(long, short, value_enum, default_value = "table")]
    pub(crate) format: ListFormat,
}

/// Arguments of `dbvitals explain`.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct ExplainArgs {
    /// The id of a check, as findings and `dbvitals checks` show it
    pub(crate) check: String,
}

/// Format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For reading
    Table,
    /// For programs
    Json,
}
