//! Arguments of `dbvitals redis keys` and `dbvitals redis patterns`.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, Args as ClapArgs};

use super::Common;
use crate::args::targets::duration;

/// Arguments of a walk of the keys.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,

    /// Ask every key for its details, not only as many of each pattern as a good estimate needs
    #[arg(long, conflicts_with_all = ["sample", "quick"])]
    pub(crate) full: bool,

    /// Ask about this many keys for their details, spread over all patterns; every name is seen all the same
    #[arg(long, value_name = "KEYS", default_value = "50000", value_parser = clap::value_parser!(u32).range(100..))]
    pub(crate) sample: u32,

    /// Look at this many keys at random places only: fast, but what is rare is not found
    #[arg(long, value_name = "KEYS", conflicts_with = "resume", num_args = 0..=1, default_missing_value = "20000", value_parser = clap::value_parser!(u32).range(100..))]
    pub(crate) quick: Option<u32>,

    /// Stop after this time with what was found [default: go on to the end]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) max_time: Option<Duration>,

    /// Go as fast as requests of bounded size go, instead of so gently that others do not notice
    #[arg(long)]
    pub(crate) fast: bool,

    /// Walk a replica in place of the primary where one is reachable
    #[arg(long, value_name = "YES", action = ArgAction::Set, num_args = 0..=1, default_value = "true", default_missing_value = "true")]
    pub(crate) prefer_replica: bool,

    /// Go on where FILE says, and write there how far it went if interrupted or out of time
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,

    /// Only these logical databases [default: all]
    #[arg(long, value_name = "NUMBER", value_delimiter = ',')]
    pub(crate) database: Vec<i64>,

    /// Names of hashes with the fields hits and misses, or hits and requests, with wildcards
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', default_value = "*stats*")]
    pub(crate) hit_ratio_keys: Vec<String>,

    /// Rows of each table
    #[arg(long, value_name = "ROWS")]
    pub(crate) top: Option<usize>,

    /// Chooses the places of --quick: the same number looks at the same places
    #[arg(long, value_name = "NUMBER", hide = true)]
    pub(crate) seed: Option<u64>,
}
