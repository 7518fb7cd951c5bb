//! `dbvitals query …`: one file per subcommand.

mod analyze;
mod lint;
mod n_plus_one;
mod one;
mod plan;
mod rls;
mod server;
mod top;

use crate::{args::query::Command, exit::Exit, problem::Problem};

/// Runs what was typed.
pub(crate) fn run(command: &Command) -> Result<Exit, Problem> {
    match command {
        Command::Analyze(args) => analyze::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Top(args) => top::run(args),
        Command::Slow(args) => top::slow(args),
        Command::Lint(args) => lint::run(args),
        Command::NPlusOne(args) => n_plus_one::run(args),
        Command::Rls(args) => rls::run(args),
    }
}
