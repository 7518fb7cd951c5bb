//! The files one look consists of.

use std::{collections::BTreeMap, fs, io::Read as _};

/// Files that tell about the machine, each small and cheap to read. A machine has some of them, never all: the
/// control group files are those of version 2 or of version 1.
pub const WANTED_FILES: &[&str] = &[
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/net/dev",
    "/proc/self/mounts",
    "/proc/stat",
    "/proc/sys/net/core/somaxconn",
    "/proc/sys/vm/overcommit_memory",
    "/proc/sys/vm/overcommit_ratio",
    "/proc/sys/vm/swappiness",
    "/proc/uptime",
    "/proc/vmstat",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/memory.current",
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory.stat",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.stat",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    "/sys/kernel/mm/transparent_hugepage/enabled",
];

/// Most bytes read of one file.
const FILE_LIMIT: u64 = 4 << 20;

/// Longest interface name; a longer one in `/proc/net/dev` is not the kernel's.
const INTERFACE_NAME_LIMIT: usize = 15;

/// One look at a machine: files by path. A file that could not be read is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw {
    files: BTreeMap<String, Vec<u8>>,
}

impl Raw {
    /// Reads this machine. What is missing stays missing: sections then say so.
    pub fn read() -> Self {
        let mut raw = Self::default();
        for path in WANTED_FILES {
            raw.read_file(path);
        }
        for path in raw.more_files() {
            raw.read_file(&path);
        }
        raw
    }

    /// Files read in another way, such as `pg_read_file`, by their absolute path.
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { files }
    }

    /// Files that only the first ones tell of: the link speed of each network interface.
    pub fn more_files(&self) -> Vec<String> {
        let interfaces = self.file("/proc/net/dev").map(crate::parse::net_dev).unwrap_or_default();
        let names = interfaces.into_iter().map(|interface| interface.name);
        names.filter(|name| is_plain(name)).map(|name| speed_file(&name)).collect()
    }

    /// The bytes of a file, if it was read.
    pub(crate) fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The number in a file that holds nothing else.
    pub(crate) fn number(&self, path: &str) -> Option<i64> {
        crate::parse::number(self.file(path)?)
    }

    fn read_file(&mut self, path: &str) {
        let Ok(file) = fs::File::open(path) else { return };
        let mut bytes = Vec::new();
        // A link that is down answers the question for its speed with an error: the file is then absent.
        if file.take(FILE_LIMIT).read_to_end(&mut bytes).is_ok() {
            self.files.insert(path.to_owned(), bytes);
        }
    }
}

/// Where the kernel tells the speed of an interface.
pub(crate) fn speed_file(interface: &str) -> String {
    format!("/sys/class/net/{interface}/speed")
}

/// A name that cannot lead to another file.
fn is_plain(name: &str) -> bool {
    name.len() <= INTERFACE_NAME_LIMIT
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(WANTED_FILES.is_sorted());
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_followed() {
        let dev = b"a|b\n\n ../../x: 1 2 3 4 5 6 7 8 9\n eth0: 1 2 3 4 5 6 7 8 9\n".to_vec();
        let raw = Raw::from_files(BTreeMap::from([("/proc/net/dev".to_owned(), dev)]));
        assert_eq!(raw.more_files(), ["/sys/class/net/eth0/speed"]);
    }
}
