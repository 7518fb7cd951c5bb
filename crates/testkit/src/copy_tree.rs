//! Copies a folder for the server's user; entries that vanish meanwhile are left out.

use std::{fs, io, path::Path};

use crate::{TestkitError, run_as::RunAs};

/// Copies `from` to `to` (which must not exist), leaving out entries whose path relative to `from` is refused
/// by `keep`. A refused folder is left out with its contents.
pub(crate) fn copy_tree(
    from: &Path,
    to: &Path,
    run_as: RunAs,
    keep: &dyn Fn(&Path) -> bool,
) -> Result<(), TestkitError> {
    copy_level(from, to, Path::new(""), run_as, keep)
}

fn copy_level(
    from: &Path,
    to: &Path,
    below: &Path,
    run_as: RunAs,
    keep: &dyn Fn(&Path) -> bool,
) -> Result<(), TestkitError> {
    let failed = |path: &Path| TestkitError::io(format!("copy {}", path.display()));
    let here = from.join(below);
    let made = to.join(below);
    run_as.create_dir(&made)?;
    let mode = fs::metadata(&here).map_err(failed(&here))?.permissions();
    fs::set_permissions(&made, mode).map_err(failed(&made))?;
    for entry in fs::read_dir(&here).map_err(failed(&here))? {
        let entry = entry.map_err(failed(&here))?;
        let below = below.join(entry.file_name());
        if !keep(&below) {
            continue;
        }
        if entry.file_type().map_err(failed(&entry.path()))?.is_dir() {
            copy_level(from, to, &below, run_as, keep)?;
            continue;
        }
        let target = to.join(&below);
        match fs::copy(entry.path(), &target) {
            Ok(_) => run_as.give(&target)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&entry.path())(error)),
        }
    }
    Ok(())
}
