//! Runs the program in an empty folder, with no settings from outside.

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The same run, which must have ended with one of these codes.
    #[track_caller]
    pub(crate) fn ended(self, codes: &[i32]) -> Self {
        let tail = &self.out[self.out.floor_char_boundary(self.out.len().saturating_sub(2_000))..];
        assert!(
            codes.contains(&self.code),
            "ended with {}, expected {codes:?}\n{}\n… {tail}",
            self.code,
            self.err
        );
        self
    }
}

/// The program with these arguments.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let empty = env!("CARGO_TARGET_TMPDIR");
    let mut command = Command::new(env!("CARGO_BIN_EXE_dbvitals"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["PG", "DBVITALS_", "REDIS"].iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.env("HOME", empty).current_dir(empty).args(arguments).stdin(Stdio::null());
    command
}

/// Runs to the end.
pub(crate) fn dbvitals(arguments: &[&str]) -> Ran {
    Ran::of(&command(arguments).output().unwrap())
}

/// Starts and goes on.
pub(crate) fn begin(arguments: &[&str]) -> Child {
    command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end of what was begun.
pub(crate) fn end(child: Child) -> Ran {
    Ran::of(&child.wait_with_output().unwrap())
}

/// Audits as JSON, whatever is found.
pub(crate) fn audit(arguments: &[&str]) -> Ran {
    dbvitals(&[&["audit", "--format", "json", "--fail-on", "never"], arguments].concat())
}

/// A path as an argument.
pub(crate) fn at(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The elements of a list in a report.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The text at a place of a report, empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The findings of one check.
pub(crate) fn findings<'a>(report: &'a Value, check: &str) -> Vec<&'a Value> {
    list(report, "/findings").iter().filter(|finding| text(finding, "/check") == check).collect()
}

/// Whatever could not be examined because something went wrong (and not for want of a privilege, a version,
/// an extension).
pub(crate) fn broken(report: &Value) -> Vec<String> {
    list(report, "/coverage/skipped")
        .iter()
        .filter(|skip| ["failed", "timeout"].contains(&text(skip, "/class")))
        .map(Value::to_string)
        .collect()
}
