//! Which servers, and how to judge them: arguments of every command that connects.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as ClapArgs;

/// Where thresholds, targets and what is to be ignored are kept.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct ConfigFile {
    /// Configuration file [default: dbvitals.toml in this folder, if there is one]
    #[arg(long, value_name = "FILE", env = "DBVITALS_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// The file that was named.
    pub(crate) fn named(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

/// Which servers to look at.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct TargetArgs {
    /// Servers: [NAME=]postgres://…, [NAME=]redis://…, [NAME=]rediss://…, a libpq key=value string, PgBouncer's
    /// console (a URL of the database pgbouncer), or the name of a target of the configuration file
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,

    /// Databases to examine, by name with wildcards [default: all]
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) include: Vec<String>,

    /// Databases to leave out, by name with wildcards
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,

    /// Longest time for one target
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "DBVITALS_TIMEOUT")]
    pub(crate) timeout: Option<Duration>,
}

/// Which further nodes of a cluster to look at.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub(crate) struct NodeArgs {
    /// Audit every host of a URL with several, instead of the first that answers
    #[arg(long)]
    pub(crate) all_nodes: bool,

    /// Also audit the standbys a primary knows, with the same login, where they can be reached
    #[arg(long)]
    pub(crate) with_replicas: bool,
}

/// Reads `10s`, `1m30s`, `500ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("{text:?} is not a duration; write 10s, 500ms or 1m30s"))?;
    Duration::try_from(span).map_err(|_| format!("{text:?} is negative"))
}
