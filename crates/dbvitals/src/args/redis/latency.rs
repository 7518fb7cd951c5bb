//! Arguments of `dbvitals redis latency`.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::Common;
use crate::args::targets::duration;

/// Arguments of a look at latency.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,

    /// How long to look
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "5s")]
    pub(crate) interval: Duration,

    /// Time from one PING of ours to the next
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10ms")]
    pub(crate) every: Duration,
}
