//! Arguments of `dbvitals query …`: one file per subcommand.

pub(crate) mod analyze;

use clap::Subcommand;

/// What to find out.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tells how a server plans statements, what is wrong with that, and what to write instead
    Analyze(Box<analyze::Args>),
}
