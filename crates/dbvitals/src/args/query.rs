//! Arguments of `dbvitals query …`: one file per subcommand.

pub(crate) mod analyze;
pub(crate) mod lint;
pub(crate) mod n_plus_one;
pub(crate) mod plan;
pub(crate) mod rls;
pub(crate) mod top;

use clap::Subcommand;

/// What to find out.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tells how a server plans statements, what is wrong with that, and what to write instead
    Analyze(Box<analyze::Args>),
    /// Explains plans from a file, and compares two of them; no server is asked
    Plan(Box<plan::Args>),
    /// Ranks the statements that were counted: by time, calls, I/O, spread, temporary files, WAL …
    Top(Box<top::Args>),
    /// Shows the statements whose mean time is over a limit
    Slow(Box<top::SlowArgs>),
    /// Tells what is wrong with scripts of definitions (migrations) before they run: locks, rewrites, refusals
    Lint(Box<lint::Args>),
    /// Follows statements for a while and tells which are called once for each row of another
    NPlusOne(Box<n_plus_one::Args>),
    /// Tells what row-level security costs, by table and role, and what makes it cost less
    Rls(Box<rls::Args>),
}
