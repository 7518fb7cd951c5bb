//! Arguments of `dbvitals query n-plus-one`.

use std::time::Duration;

use clap::Args as ClapArgs;

use crate::args::{sheet::Common, targets::duration};

/// Arguments of a look for statements that are called once for each row of another.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,

    /// How long to follow the statements
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "2m")]
    pub(crate) interval: Duration,

    /// Time between two looks at their counters
    #[arg(long, value_name = "DURATION", value_parser = every, default_value = "2s")]
    pub(crate) every: Duration,
}

fn every(text: &str) -> Result<Duration, String> {
    let every = duration(text)?;
    if every >= Duration::from_millis(50) {
        Ok(every)
    } else {
        Err("looks nearer than 50ms cost more than they tell".to_owned())
    }
}
