//! What each command does: one file per command.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod checks;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod log;
pub(crate) mod query;
pub(crate) mod redis;
pub(crate) mod reference;
pub(crate) mod sheets;
pub(crate) mod shell;

use crate::{
    args::{Cli, Command},
    exit::Exit,
    output,
    problem::Problem,
};

/// Runs what was typed.
pub(crate) fn run(cli: Cli) -> Result<Exit, Problem> {
    match cli.command {
        Command::Audit(args) => audit::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Checks(args) => checks::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Config(command) => config::run(&command),
        Command::Log(args) => log::run(&args),
        Command::Query(command) => query::run(&command),
        Command::Redis(command) => redis::run(&command),
        Command::Demo(args) => demo::run(&args),
        Command::Schema => {
            let schema = dbvitals_report::schema::pretty().map_err(Problem::unwritten)?;
            output::data(&schema).map(|()| Exit::Clean)
        }
        Command::Completions { shell } => shell::completions(shell),
        Command::Man => shell::man(),
        Command::Reference { folder, sources } => reference::run(&folder, sources.as_deref()),
    }
}
