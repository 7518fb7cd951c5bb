//! Standard output is data, standard error is talk. A broken pipe is success.

use std::io::{self, ErrorKind, Read as _, Write};
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
        let hint = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                "make room there, or choose another folder"
            }
            _ => "choose a folder that exists and that you may write to",
        };
        Problem::usage(format!("cannot write {}: {error}", path.display())).hint(hint)
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

/// More than any text that is read as a whole: what is larger is a log, a device or a mistake.
const LARGEST: u64 = 256 << 20;

/// Reads a file the user named.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    let name = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| {
        Problem::usage(format!("cannot read {name}: {error}"))
            .hint("check the path and its permissions")
    })?;
    text(&name, file)
}

/// Reads a text to its end, without the mark that some editors put before it.
pub(crate) fn text(name: &str, source: impl io::Read) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| {
        Problem::usage(format!("cannot read {name}: {error}"))
            .hint("check the path and its permissions")
    })?;
    if bytes.len() as u64 > LARGEST {
        return Err(Problem::usage(format!("{name} holds more than {} MB", LARGEST >> 20))
            .hint("give a part of it; a server's log is read by `dbvitals log`"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let from = if is_wide { "UTF-16" } else { "LATIN1" };
        Problem::usage(format!("cannot read {name}: it is not UTF-8 from line {line} on"))
            .hint(format!("save it as UTF-8, for instance with iconv -f {from} -t UTF-8"))
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
