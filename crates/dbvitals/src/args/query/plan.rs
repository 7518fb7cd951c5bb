//! Arguments of `dbvitals query plan`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::args::{audit::Judging, showing::Showing, targets::ConfigFile};

/// Arguments of `dbvitals query plan`.
#[derive(Debug, Clone, ClapArgs)]
#[command(
    after_help = "Reads what EXPLAIN printed, in text, JSON, YAML or XML, with what stands around it: the frame of psql, \
lines of a log (auto_explain), several plans. No server is asked."
)]
pub(crate) struct Args {
    /// The file with the plans; `-` or none reads standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Compare with the plan in FILE: what changed from the first to this one, and what is risky about it
    #[arg(long, value_name = "FILE")]
    pub(crate) compare: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,

    #[command(flatten)]
    pub(crate) judging: Judging,

    #[command(flatten)]
    pub(crate) showing: Showing,
}
