//! What the machine shows of a server: processes, folders.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// The ids of living processes whose command line or working folder mentions `folder`.
pub(crate) fn processes_of(folder: &Path) -> Vec<u32> {
    let name = folder.to_str().unwrap();
    let ids = fs::read_dir("/proc").unwrap().flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|pid| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(name) || cwd.starts_with(folder)
    })
    .collect()
}

/// Whether a process runs (a dead one that nobody has waited for does not).
pub(crate) fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with(['Z', 'X']))
}

/// The ids of a process's children.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    list.split_whitespace().map(|child| child.parse().unwrap()).collect()
}

/// Looks until the condition holds; fails after a minute.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_mins(1), "never came true: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
