//! Room on the filesystems that hold something of a server.

use std::path::{Path, PathBuf};

use dbvitals_model::{Collected, Reason, Section, Unavailable, host::Filesystem};

use crate::{Raw, parse};

/// A path of a server and what lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// `data`, `wal`, `tablespace NAME`, `redis`.
    pub purpose: String,
    /// An absolute path on this machine.
    pub path: PathBuf,
}

/// The filesystems of this machine that hold the places, one entry per place. Needs no access to the places
/// themselves, whose folders are usually closed to others.
pub fn local_filesystems(raw: &Raw, places: &[Place]) -> Section<Vec<Filesystem>> {
    let mounts = raw.file("/proc/self/mounts").map(parse::mounts).unwrap_or_default();
    let mut value = Vec::new();
    let mut gaps = Vec::new();
    for place in places {
        match room(&mounts, place) {
            Ok(filesystem) => value.push(filesystem),
            Err(why) => gaps.push(Unavailable {
                reason: Reason::Failed,
                detail: format!("{} ({}): {why}", place.path.display(), place.purpose),
                remedy: None,
            }),
        }
    }
    Section::Collected(Collected { value, gaps })
}

fn room(mounts: &[String], place: &Place) -> Result<Filesystem, rustix::io::Errno> {
    // A folder may be a link to another disk; where it is closed to us, its name has to do.
    let path = std::fs::canonicalize(&place.path).unwrap_or_else(|_| place.path.clone());
    let mount_point = mount_of(mounts, &path);
    let found = rustix::fs::statvfs(&path)
        .or_else(|_| rustix::fs::statvfs(mount_point.as_deref().unwrap_or(Path::new("/"))))?;
    let bytes = |blocks: u64| int(blocks.saturating_mul(found.f_frsize));
    Ok(Filesystem {
        mount_point: mount_point.unwrap_or(path).display().to_string(),
        purpose: place.purpose.clone(),
        total_bytes: bytes(found.f_blocks),
        available_bytes: bytes(found.f_bavail),
        inodes_total: int(found.f_files),
        inodes_free: int(found.f_favail),
    })
}

/// The deepest mount point above a path; of two at one place the later one.
fn mount_of(mounts: &[String], path: &Path) -> Option<PathBuf> {
    mounts
        .iter()
        .map(Path::new)
        .filter(|mount| path.starts_with(mount))
        .max_by_key(|mount| mount.components().count())
        .map(Path::to_path_buf)
}

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_point_holds_a_path() {
        let mounts = ["/", "/var", "/var/lib/pg", "/var/libx"].map(str::to_owned);
        let mount = |path: &str| mount_of(&mounts, Path::new(path)).unwrap();
        assert_eq!(mount("/var/lib/pg/16/main"), Path::new("/var/lib/pg"));
        assert_eq!(mount("/var/lib/redis"), Path::new("/var"));
        assert_eq!(mount("/home"), Path::new("/"));
    }

    #[test]
    fn this_machine_has_room_somewhere() {
        let places = [
            Place { purpose: "data".to_owned(), path: PathBuf::from("/tmp") },
            Place { purpose: "wal".to_owned(), path: PathBuf::from("/tmp/not/there/at/all") },
        ];
        let found = local_filesystems(&Raw::read(), &places);
        let found = found.value().unwrap();
        assert_eq!(found.len(), 2);
        assert!(found[0].total_bytes >= found[0].available_bytes && found[0].total_bytes > 0);
        assert_eq!(found[1].total_bytes, found[0].total_bytes);
    }
}
