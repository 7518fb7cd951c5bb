//! `cargo xtask test`: everything that must pass before a change is taken.

use crate::{
    setup,
    step::{Done, cargo},
    tidy,
};

/// Runs the steps in order; the first that fails ends the command. All tests run, so that one run tells all.
pub(crate) fn run() -> Done {
    setup::run()?;
    cargo(&["fmt", "--all", "--check"])?;
    tidy::run()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    cargo(&["test", "--workspace", "--no-fail-fast"])
}
