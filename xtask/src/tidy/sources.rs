//! What every file must be: short, documented, named for what it holds, finished.

use std::fs;
use std::path::{Path, PathBuf};

/// Longest source file. Longer ones hold two things.
const MAX_LINES: usize = 400;

/// Largest file of any kind, in bytes.
const MAX_BYTES: usize = 250_000;

/// Names that say nothing.
const EMPTY_NAMES: &[&str] =
    &["mod.rs", "util.rs", "utils.rs", "common.rs", "helpers.rs", "misc.rs"];

/// Marks of unfinished work, put together here so that this file does not carry them.
fn unfinished() -> [String; 3] {
    ["FIX", "XX", "TO"].map(|half| match half {
        "FIX" => format!("{half}ME"),
        "XX" => format!("{half}X"),
        _ => format!("{half}DO"),
    })
}

/// Every offence of every file.
pub(super) fn offences(files: &[PathBuf]) -> Vec<String> {
    files.iter().flat_map(|path| file_offences(path)).collect()
}

fn file_offences(path: &Path) -> Vec<String> {
    let Ok(bytes) = fs::read(path) else {
        return vec![format!("{}: cannot be read", path.display())];
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kind = path.extension().unwrap_or_default().to_string_lossy();
    let mut found = Vec::new();
    if bytes.len() > MAX_BYTES && name != "Cargo.lock" {
        found.push(format!("{} bytes, more than {MAX_BYTES}", bytes.len()));
    }
    if EMPTY_NAMES.contains(&name.as_ref()) {
        found.push("its name says nothing about what it holds".to_owned());
    }
    let text = String::from_utf8_lossy(&bytes);
    match kind.as_ref() {
        "rs" => found.extend(rust_offences(&text)),
        "sql"
            if !text.starts_with("/* dbvitals")
                && path.starts_with("crates/postgres/src/collect") =>
        {
            found.push("must begin with its tag `/* dbvitals:name */`".to_owned());
        }
        _ => {}
    }
    found.into_iter().map(|offence| format!("{}: {offence}", path.display())).collect()
}

fn rust_offences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.push(format!("{lines} lines, more than {MAX_LINES}: what two things live in it?"));
    }
    if !text.starts_with("//!") {
        found.push("must begin with a `//!` line that says what it holds".to_owned());
    }
    for mark in unfinished() {
        let word = |line: &str| line.split(|c: char| !c.is_alphanumeric()).any(|w| w == mark);
        if let Some(at) = text.lines().position(word) {
            found.push(format!("line {}: {mark}: finish it or drop it", at + 1));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_undocumented_or_unfinished_files_are_offences() {
        assert!(rust_offences("//! Fine.\nfn a() {}\n").is_empty());
        assert_eq!(rust_offences("fn a() {}\n").len(), 1);
        let long = format!("//! Long.\n{}", "\n".repeat(MAX_LINES));
        assert_eq!(rust_offences(&long).len(), 1);
        let [fix, ..] = unfinished();
        assert_eq!(rust_offences(&format!("//! Open.\n// {fix}: later\n")).len(), 1);
    }
}
