//! Arguments of `dbvitals query analyze`.

use std::{path::PathBuf, time::Duration};

use clap::Args as ClapArgs;

use crate::args::{
    audit::Judging,
    showing::Showing,
    targets::{ConfigFile, duration},
};

/// Arguments of `dbvitals query analyze`.
#[derive(Debug, Clone, ClapArgs)]
#[command(
    after_help = "Nothing is executed without --analyze, and nothing that writes without --allow-writes; \
what is executed is rolled back. --verify writes nothing to the server that is planned on: it makes a database on \
the one that --scratch names, and drops it again."
)]
pub(crate) struct Args {
    /// The statements, with or without `$1`; `-` or none reads standard input
    #[arg(value_name = "SQL")]
    pub(crate) sql: Vec<String>,

    /// Read statements from FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,

    /// The server and database to plan on: postgres://…, a libpq string, or the name of a target of the
    /// configuration file [default: the only PostgreSQL target of the file, else libpq's variables]
    #[arg(long, short, value_name = "TARGET", env = "DBVITALS_TARGET")]
    pub(crate) target: Option<String>,

    /// Ask no server: judge the text alone, by the rules that need no catalogue
    #[arg(long, conflicts_with_all = ["analyze", "as_role", "params", "verify"])]
    pub(crate) offline: bool,

    #[command(flatten)]
    pub(crate) config: ConfigFile,

    /// Value of the next parameter, $1 first; `\N` is NULL [default: values from the statistics]
    #[arg(long = "param", short = 'p', value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) params: Vec<String>,

    /// Execute the statements, in a transaction that is rolled back
    #[arg(long)]
    pub(crate) analyze: bool,

    /// Execute statements that write, too
    #[arg(long, requires = "analyze")]
    pub(crate) allow_writes: bool,

    /// Plan as this role, under its row-level security and its settings
    #[arg(long, value_name = "ROLE")]
    pub(crate) as_role: Option<String>,

    /// Run rewrites that are called equivalent beside the original, on generated data, and compare the results
    #[arg(long, requires = "scratch")]
    pub(crate) verify: bool,

    /// The server where --verify makes a database, and drops it again: postgres://…, a libpq string, or the name of
    /// a target
    #[arg(long, value_name = "TARGET", requires = "verify")]
    pub(crate) scratch: Option<String>,

    /// Longest time for one statement
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) judging: Judging,

    #[command(flatten)]
    pub(crate) showing: Showing,

    /// Save what was seen to FILE, to be judged elsewhere (`dbvitals audit --from FILE`)
    #[arg(long, value_name = "FILE")]
    pub(crate) save_snapshot: Option<PathBuf>,
}
