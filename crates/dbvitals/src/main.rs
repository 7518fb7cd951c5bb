//! The dbvitals command: arguments in, exit code out. What it does is in `commands`.

mod args;
mod catalogue;
mod commands;
mod config;
mod demo;
mod environment;
mod exit;
mod gather;
mod output;
mod problem;
mod progress;
mod render;
mod runtime;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return usage(&said),
    };
    match commands::run(cli) {
        Ok(exit) => exit.into(),
        Err(problem) => {
            output::talk(&problem.to_string());
            problem.exit.into()
        }
    }
}

/// Help and wrong usage are clap's to print; its code for wrong usage is ours, too (2), but for a monitoring plugin,
/// where 2 means CRITICAL and what cannot be looked at is UNKNOWN (3).
fn usage(said: &clap::Error) -> ExitCode {
    // Nobody is left to be told when even this cannot be printed.
    let _ = said.print();
    let is_plugin = std::env::args_os().nth(1).is_some_and(|command| command == "check");
    match said.exit_code() {
        0 => Exit::Clean.into(),
        _ if is_plugin => Exit::Incomplete.into(),
        _ => Exit::Usage.into(),
    }
}
