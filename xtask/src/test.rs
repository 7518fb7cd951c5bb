//! `cargo xtask test`: everything that must pass before a change is taken.

use crate::{
    setup,
    step::{Done, cargo},
};

/// Runs the steps in order; the first that fails ends the command.
pub(crate) fn run() -> Done {
    setup::run()?;
    cargo(&["fmt", "--all", "--check"])?;
    // The project's own structure checks (`tidy`) belong here: after formatting, before anything is compiled.
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["test", "--workspace"])
}
