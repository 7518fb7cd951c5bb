//! Arguments of `dbvitals redis clients`.

use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use dbvitals_checks::redis::look::clients;

use super::Common;
use crate::args::targets::duration;

/// Arguments of a look at the clients.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Time between the two looks
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "1s")]
    pub(crate) interval: Duration,

    /// What to group connections by [default: whatever tells them apart]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) by: Vec<By>,
}

/// What connections are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// Address without the port
    Address,
    /// Name given by the application (CLIENT SETNAME)
    Name,
    /// ACL user
    User,
    /// Client library (Redis 7.2 and later)
    Library,
    /// Last command
    Command,
    /// Logical database
    Database,
}

impl From<By> for clients::By {
    fn from(by: By) -> Self {
        match by {
            By::Address => Self::Address,
            By::Name => Self::Name,
            By::User => Self::User,
            By::Library => Self::Library,
            By::Command => Self::Command,
            By::Database => Self::Database,
        }
    }
}
