//! `dbvitals query …`: one file per subcommand.

mod analyze;

use crate::{args::query::Command, exit::Exit, problem::Problem};

/// Runs what was typed.
pub(crate) fn run(command: &Command) -> Result<Exit, Problem> {
    match command {
        Command::Analyze(args) => analyze::run(args),
    }
}
