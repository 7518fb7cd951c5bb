//! `cargo xtask demo`: the program's demonstration on servers of its own.

use crate::{
    setup,
    step::{Done, cargo},
};

/// Builds the optimised program and runs `dbvitals demo` with the remaining arguments.
pub(crate) fn run(rest: &[&str]) -> Done {
    setup::run()?;
    let mut words = vec!["run", "--release", "-p", "dbvitals", "--", "demo"];
    words.extend(rest);
    cargo(&words)
}
