//! Arguments of `dbvitals config`.

use clap::Subcommand;

use super::{audit::Judging, targets::TargetArgs};

/// What to do with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Prints every setting in force and where it comes from
    Show(ShowArgs),
    /// Prints the commented default file, which is the manual
    Default,
}

/// Arguments of `dbvitals config show`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,

    #[command(flatten)]
    pub(crate) judging: Judging,
}
