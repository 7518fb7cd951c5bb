//! `dbvitals redis …`: one file per subcommand.

mod clients;
mod keys;
mod latency;
mod look;
mod slowlog;

use dbvitals_checks::redis::look::keys::Page;

use crate::{args::redis::Command, exit::Exit, problem::Problem};

/// Runs what was typed.
pub(crate) fn run(command: &Command) -> Result<Exit, Problem> {
    match command {
        Command::Keys(args) => keys::run(args, Page::Keys),
        Command::Patterns(args) => keys::run(args, Page::Patterns),
        Command::Slowlog(args) => slowlog::run(args),
        Command::Latency(args) => latency::run(args),
        Command::Clients(args) => clients::run(args),
    }
}
