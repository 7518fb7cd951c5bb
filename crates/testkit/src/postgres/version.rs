//! The PostgreSQL versions a test may ask for.

use std::{fmt, path::PathBuf};

use crate::{
    TestkitError,
    cache::{POSTGRES_PINS, postgres_home},
};

/// A PostgreSQL build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PgVersion {
    /// PostgreSQL 13.
    V13,
    /// PostgreSQL 14.
    V14,
    /// PostgreSQL 15.
    V15,
    /// PostgreSQL 16.
    V16,
    /// PostgreSQL 17.
    V17,
    /// PostgreSQL 18.
    V18,
    /// Debian's own PostgreSQL 15, with the extension packages of Debian (`hypopg`).
    Debian15,
}

impl PgVersion {
    /// One build of each supported major version, oldest first ([`Self::Debian15`] is a second 15).
    pub const ALL: [Self; 6] = [Self::V13, Self::V14, Self::V15, Self::V16, Self::V17, Self::V18];

    /// The oldest supported version.
    pub const OLDEST: Self = Self::V13;

    /// The newest supported version.
    pub const NEWEST: Self = Self::V18;

    /// The major version number.
    pub fn major(self) -> u32 {
        match self {
            Self::V13 => 13,
            Self::V14 => 14,
            Self::V15 | Self::Debian15 => 15,
            Self::V16 => 16,
            Self::V17 => 17,
            Self::V18 => 18,
        }
    }

    /// The folder with `postgres` and `initdb`; an error when `cargo xtask setup` has not run.
    pub fn bin_dir(self) -> Result<PathBuf, TestkitError> {
        let folder = match self {
            Self::Debian15 => PathBuf::from("/usr/lib/postgresql/15/bin"),
            _ => postgres_home(self.pin()).join("bin"),
        };
        let server = folder.join("postgres");
        if server.is_file() {
            Ok(folder)
        } else {
            Err(TestkitError::MissingServer { what: self.to_string(), path: server })
        }
    }

    /// A short name that is unique per build, for folders.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Debian15 => "debian15",
            _ => self.pin(),
        }
    }

    fn pin(self) -> &'static str {
        POSTGRES_PINS
            .iter()
            .find(|(major, _)| *major == self.major())
            .map_or("unpinned", |(_, pin)| pin)
    }
}

impl fmt::Display for PgVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL {}", self.major())?;
        if *self == Self::Debian15 { f.write_str(" (Debian)") } else { Ok(()) }
    }
}
