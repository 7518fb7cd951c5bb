//! The filesystems of a machine, each once, with all that lies on it.

use std::collections::BTreeMap;

use dbvitals_model::host::Filesystem;

/// One mounted filesystem and everything of the servers on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mount<'a> {
    /// Its figures.
    pub filesystem: &'a Filesystem,
    /// `data`, or `data and wal`.
    pub holds: String,
}

/// Filesystems by mount point; what several purposes share is named once.
pub fn mounts(filesystems: &[Filesystem]) -> Vec<Mount<'_>> {
    let mut by_point: BTreeMap<&str, Vec<&Filesystem>> = BTreeMap::new();
    for filesystem in filesystems {
        by_point.entry(&filesystem.mount_point).or_default().push(filesystem);
    }
    let mounts = by_point.into_values().filter_map(|shared| {
        let mut purposes: Vec<_> = shared.iter().map(|one| one.purpose.as_str()).collect();
        purposes.sort_unstable();
        purposes.dedup();
        Some(Mount { filesystem: shared.first()?, holds: purposes.join(" and ") })
    });
    mounts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_filesystem_is_one() {
        let of = |mount_point: &str, purpose: &str| Filesystem {
            mount_point: mount_point.into(),
            purpose: purpose.into(),
            ..Filesystem::default()
        };
        let all = [of("/", "wal"), of("/ts", "tablespace t"), of("/", "data"), of("/", "data")];
        let holds: Vec<_> = mounts(&all).into_iter().map(|mount| mount.holds).collect();
        assert_eq!(holds, ["data and wal", "tablespace t"]);
    }
}
