//! Standard output is data, standard error is talk. A broken pipe is success.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::problem::Problem;

/// Writes data to standard output.
pub(crate) fn data(text: &str) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Problem::internal(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Says something to the person, on standard error.
pub(crate) fn talk(text: &str) {
    // Nobody listening is no reason to fail.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a file whole or not at all: beside it first, then moved into place.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let failed = |error: io::Error| {
        Problem::usage(format!("cannot write {}: {error}", path.display()))
            .hint("choose a folder that exists and that you may write to")
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let beside = Path::new(&beside);
    let written = std::fs::write(beside, bytes).and_then(|()| std::fs::rename(beside, path));
    written.map_err(|error| {
        // The half-written file is ours; what stood at `path` is untouched.
        let _ = std::fs::remove_file(beside);
        failed(error)
    })
}

/// Reads a file the user named.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    let bytes = std::fs::read(path).map_err(|error| {
        Problem::usage(format!("cannot read {}: {error}", path.display()))
            .hint("check the path and its permissions")
    })?;
    String::from_utf8(bytes)
        .map_err(|_| Problem::usage(format!("cannot read {}: it is not UTF-8", path.display())))
}
