//! `dbvitals redis …`: one file per subcommand.

mod keys;
mod server;

use crate::{args::redis::Command, exit::Exit, problem::Problem};

/// Runs what was typed.
pub(crate) fn run(command: &Command) -> Result<Exit, Problem> {
    match command {
        Command::Keys(args) | Command::Patterns(args) => keys::run(args),
    }
}
