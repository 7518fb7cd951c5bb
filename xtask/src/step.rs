//! Running one step: say it, run it, fail with one message.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Command,
};

/// Why a command ended: what failed, and what to do.
#[derive(Debug)]
pub(crate) struct StepError(pub(crate) String);

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StepError {
    /// Wraps a cause with what was attempted.
    pub(crate) fn because<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |cause| Self(format!("{what}: {cause}"))
    }
}

/// The result of a step.
pub(crate) type Done = Result<(), StepError>;

/// Prints what is about to happen.
pub(crate) fn say(what: impl fmt::Display) {
    println!("xtask: {what}");
}

/// Prints a command line and runs it in the repository's root.
pub(crate) fn run(program: &str, words: &[&str]) -> Done {
    run_in(&repository(), program, words)
}

/// Prints a command line and runs it in a folder.
pub(crate) fn run_in(folder: &Path, program: &str, words: &[&str]) -> Done {
    let line = format!("{program} {}", words.join(" "));
    say(&line);
    let status = Command::new(program)
        .args(words)
        .current_dir(folder)
        .status()
        .map_err(StepError::because(format!("cannot run `{line}`")))?;
    if status.success() { Ok(()) } else { Err(StepError(format!("`{line}` failed: {status}"))) }
}

/// Runs this toolchain's cargo.
pub(crate) fn cargo(words: &[&str]) -> Done {
    run(&env::var("CARGO").unwrap_or_else(|_| "cargo".into()), words)
}

/// The repository's root folder.
pub(crate) fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Whether a program is on the search path, or in a folder only administrators have on theirs.
pub(crate) fn has_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(administrators).any(|folder| folder.join(name).is_file())
}
