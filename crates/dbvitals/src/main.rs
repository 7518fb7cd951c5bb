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

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Help and wrong usage are clap's to print; its code for wrong usage is ours too (2).
    let cli = args::Cli::parse();
    match commands::run(cli) {
        Ok(exit) => exit.into(),
        Err(problem) => {
            output::talk(&problem.to_string());
            problem.exit.into()
        }
    }
}
