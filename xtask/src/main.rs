//! Project automation: `cargo xtask COMMAND`.
//!
//! - `setup` installs what a fresh Debian machine with only Rust lacks, and fills the cache of servers the
//!   tests need. It starts no service, and when all is there it only looks.
//! - `test` is everything that must pass before a change is taken.
//! - `demo` builds the program and runs its demonstration.
//! - `tidy` checks the structure of the house.
//! - `new-check` writes a check's file and registers it.
//! - `gen-docs` writes what is generated from the code.
//!
//! Each command lives in the file of its name. A failing step ends the command with one message.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::{env, process::ExitCode};

#[path = "../../crates/testkit/src/cache.rs"]
#[expect(unreachable_pub, reason = "shared with a library")]
mod cache;
mod demo;
mod downloads;
mod gen_docs;
mod new_check;
mod setup;
mod step;
mod test;
mod tidy;

use step::StepError;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup    install what a Debian machine lacks and fetch the servers the tests need
  test     setup, then formatting, lints, tests
  demo     setup, then the demonstration
  tidy     the structure of the house: layers, lengths, names, module docs
  new-check ID TOPIC
           write a check's file and register it
  gen-docs write the generated reference below docs/reference
";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["setup"] => setup::run(),
        ["test"] => test::run(),
        ["demo", rest @ ..] => demo::run(rest),
        ["tidy"] => tidy::run(),
        ["new-check", rest @ ..] => new_check::run(rest),
        ["gen-docs"] => gen_docs::run(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(StepError(format!("unknown command: {}\n{USAGE}", words.join(" ")))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
