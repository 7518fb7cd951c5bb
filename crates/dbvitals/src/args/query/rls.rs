//! Arguments of `dbvitals query rls`.

use std::{path::PathBuf, time::Duration};

use clap::Args as ClapArgs;
use dbvitals_postgres::explain;

use crate::args::{
    audit::Judging,
    showing::Showing,
    targets::{ConfigFile, duration},
};

/// Arguments of `dbvitals query rls`.
#[derive(Debug, Clone, ClapArgs)]
#[command(
    after_help = "Plans a read of each table with policies as each role they bind, and without them. Nothing is executed \
without --analyze; what is executed reads only, within limits, and is rolled back."
)]
pub(crate) struct Args {
    /// The server and database: postgres://…, a libpq string, or the name of a target of the configuration file
    /// [default: the only PostgreSQL target of the file, else libpq's variables]
    #[arg(value_name = "TARGET", env = "DBVITALS_TARGET")]
    pub(crate) target: Option<String>,

    /// Only this table, `schema.table`, or `table` for any schema [default: all with policies in force]
    #[arg(long = "table", value_name = "TABLE")]
    pub(crate) tables: Vec<String>,

    /// Only as this role [default: every role with privileges that policies bind, if somebody can log in as it or become it]
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,

    /// A setting that policies ask for, as in `app.tenant=42`
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,

    /// Also plan this statement as each role and without policies: which indexes it loses
    #[arg(long, value_name = "SQL")]
    pub(crate) sql: Vec<String>,

    /// Execute the reads with policies and without, in a transaction that cannot write and is rolled back
    #[arg(long)]
    pub(crate) analyze: bool,

    /// Rows that --analyze may read of a table at once; of larger ones, a sample of that size
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..))]
    pub(crate) rows: u32,

    /// Longest time for one plan or one execution
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "10s")]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) config: ConfigFile,

    #[command(flatten)]
    pub(crate) judging: Judging,

    #[command(flatten)]
    pub(crate) showing: Showing,

    /// Save what was seen to FILE, to be judged elsewhere (`dbvitals audit --from FILE`)
    #[arg(long, value_name = "FILE")]
    pub(crate) save_snapshot: Option<PathBuf>,
}

/// Reads `name=value`; settings that keep us within limits are not to be given.
fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| format!("{text:?} is no setting; write app.tenant=42"))?;
    if explain::is_own(name) {
        return Err(format!(
            "{name} is a limit of dbvitals itself; --timeout and --role are there for that"
        ));
    }
    Ok((name.to_owned(), value.to_owned()))
}
