//! Arguments of `dbvitals check`.

use clap::Args as ClapArgs;

use super::targets::TargetArgs;

/// Arguments of `dbvitals check`.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
}
