//! `cargo xtask tidy`: the structure of the house, checked from its files and from `cargo metadata`.

mod layers;
mod sources;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Done, StepError};

/// Reports every offence, not only the first.
pub(crate) fn run() -> Done {
    println!("tidy: layers, lengths, names, module docs");
    let mut offences = layers::offences()?;
    offences.extend(sources::offences(&tracked()?));
    if offences.is_empty() {
        return Ok(());
    }
    Err(StepError(format!("the house is not tidy:\n  {}", offences.join("\n  "))))
}

/// Files git tracks or would track.
fn tracked() -> Result<Vec<PathBuf>, StepError> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .output()
        .map_err(|error| StepError(format!("cannot run git: {error}")))?;
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let files = text.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(files.filter(|path| Path::new(path).is_file()).collect())
}
