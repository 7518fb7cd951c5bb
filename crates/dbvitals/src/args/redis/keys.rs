//! Arguments of `dbvitals redis keys` and `dbvitals redis patterns`.

use clap::Args as ClapArgs;

use super::Common;

/// Arguments of a look at the keys.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
}
