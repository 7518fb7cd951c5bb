//! Arguments of `dbvitals demo`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// Arguments of `dbvitals demo`.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Args {
    /// Where the HTML report goes
    #[arg(long, short, value_name = "FILE", default_value = "dbvitals-demo.html")]
    pub(crate) output: PathBuf,

    /// Size of the data: 1 is about 1.2 million rows
    #[arg(long, default_value_t = 1.0)]
    pub(crate) scale: f64,

    /// Show every finding in full
    #[arg(long)]
    pub(crate) all: bool,

    /// Keep the servers running afterwards, until Enter is pressed
    #[arg(long)]
    pub(crate) keep: bool,
}
