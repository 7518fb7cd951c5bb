//! `cargo xtask gen-docs`: the reference pages, written by the program itself.
//!
//! A test of the program holds the committed pages against what it would write now.

use crate::step::{Done, cargo};

/// Writes `docs/reference`.
pub(crate) fn run() -> Done {
    let program = ["run", "--quiet", "--package", "dbvitals", "--"];
    cargo(&[&program[..], &["reference", "docs/reference", "--sources", "."]].concat())
}
