//! Arguments of `dbvitals redis slowlog`.

use std::time::Duration;

use clap::Args as ClapArgs;

use super::Common;
use crate::args::targets::duration;

/// Arguments of a look at the slow log.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Show only what is logged within this time [default: everything the log holds; 5s with --follow]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) interval: Option<Duration>,

    /// Go on looking, one page for each interval with slow commands, until interrupted
    #[arg(long)]
    pub(crate) follow: bool,

    /// With --follow, end after so many intervals
    #[arg(long, value_name = "NUMBER", requires = "follow")]
    pub(crate) looks: Option<u32>,

    /// Most entries to read, newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) entries: u32,
}
