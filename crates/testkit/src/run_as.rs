//! The user servers run as: ourselves, or `nobody` when we are root, which PostgreSQL refuses.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
};

use crate::TestkitError;

/// The user and group to switch to, or none when servers run as ourselves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunAs {
    switch: Option<(u32, u32)>,
    uid: u32,
}

impl RunAs {
    /// Decides for this process.
    pub(crate) fn current() -> Result<Self, TestkitError> {
        let uid = fs::metadata("/proc/self").map_err(TestkitError::io("stat /proc/self"))?.uid();
        if uid != 0 {
            return Ok(Self { switch: None, uid });
        }
        let users = fs::read_to_string("/etc/passwd").map_err(TestkitError::io("/etc/passwd"))?;
        let nobody = nobody_in(&users).ok_or_else(|| {
            TestkitError::State("running as root, and /etc/passwd has no user `nobody`".into())
        })?;
        Ok(Self { switch: Some(nobody), uid: nobody.0 })
    }

    /// The server's user id.
    pub(crate) fn uid(self) -> u32 {
        self.uid
    }

    /// Makes the command run as that user.
    pub(crate) fn apply(self, command: &mut Command) {
        if let Some((uid, gid)) = self.switch {
            command.uid(uid).gid(gid);
        }
    }

    /// Gives a path to that user (not following a link's target contents).
    pub(crate) fn give(self, path: &Path) -> Result<(), TestkitError> {
        if let Some((uid, gid)) = self.switch {
            chown(path, Some(uid), Some(gid))
                .map_err(TestkitError::io(format!("chown {}", path.display())))?;
        }
        Ok(())
    }

    /// Writes a file that belongs to the server's user, with the given mode.
    pub(crate) fn write(self, path: &Path, text: &str, mode: u32) -> Result<(), TestkitError> {
        use std::os::unix::fs::PermissionsExt as _;
        let attempt = || format!("write {}", path.display());
        fs::write(path, text).map_err(TestkitError::io(attempt()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(TestkitError::io(attempt()))?;
        self.give(path)
    }

    /// Makes a folder that belongs to the server's user.
    pub(crate) fn create_dir(self, path: &Path) -> Result<(), TestkitError> {
        fs::create_dir_all(path).map_err(TestkitError::io(format!("mkdir {}", path.display())))?;
        self.give(path)
    }
}

fn nobody_in(passwd: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.starts_with("nobody:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_is_read_from_the_user_table() {
        let table = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:n:/:/bin/false\n";
        assert_eq!(super::nobody_in(table), Some((65534, 65533)));
        assert_eq!(super::nobody_in("nobodyelse:x:1:1::/:/bin/sh\n"), None);
    }
}
