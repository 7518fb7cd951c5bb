//! Initialised clusters, made once per build and set of `initdb` options, then copied.

use std::{
    fs::{self, File},
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{TestkitError, cache, postgres::PgVersion, run_as::RunAs};

/// The statement every cluster starts with: the role an auditor would be given.
const FIRST_STATEMENT: &str = "create role monitor login password 'monitor' in role pg_monitor;\n";

/// The file, read after `postgresql.conf`, that holds a server's own settings.
pub(crate) const SETTINGS_FILE: &str = "testkit.conf";

/// The template's folder, made now if this is the first use. Processes wait for each other.
pub(crate) fn template(
    version: PgVersion,
    initdb_options: &[String],
    run_as: RunAs,
) -> Result<PathBuf, TestkitError> {
    let bin = version.bin_dir()?;
    let parent = cache::root().join("templates");
    fs::create_dir_all(&parent).map_err(TestkitError::io(format!("mkdir {}", parent.display())))?;
    // Hashed with fixed keys; the statement is part of it, so that a changed one makes a new template.
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((
        initdb_options,
        FIRST_STATEMENT,
        SETTINGS_FILE,
    ));
    let done = parent.join(format!("{}-{}-{hash:x}", version.label(), run_as.uid()));
    if done.is_dir() {
        return Ok(done);
    }
    let lock_file = done.with_added_extension("lock");
    let locked = || TestkitError::io(format!("lock {}", lock_file.display()));
    let lock = File::create(&lock_file).map_err(locked())?;
    lock.lock().map_err(locked())?;
    if done.is_dir() {
        return Ok(done);
    }
    let building = done.with_added_extension("building");
    if building.exists() {
        fs::remove_dir_all(&building).map_err(TestkitError::io("remove half a template"))?;
    }
    run_as.create_dir(&building)?;
    build(&bin, &building, initdb_options, run_as)?;
    fs::rename(&building, &done).map_err(TestkitError::io("finish a template"))?;
    Ok(done)
}

fn build(
    bin: &Path,
    folder: &Path,
    initdb_options: &[String],
    run_as: RunAs,
) -> Result<(), TestkitError> {
    let password = folder.with_extension("password");
    run_as.write(&password, "postgres\n", 0o600)?;
    let mut initdb = Command::new(bin.join("initdb"));
    initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8"]);
    initdb.args(["--locale=C.UTF-8", "--no-sync"]);
    initdb.arg("--pwfile").arg(&password).arg("--pgdata").arg(folder).args(initdb_options);
    run(initdb, "initdb", run_as, "")?;
    fs::remove_file(&password).map_err(TestkitError::io("remove the password file"))?;

    let configuration = folder.join("postgresql.conf");
    fs::OpenOptions::new()
        .append(true)
        .open(&configuration)
        .and_then(|mut file| writeln!(file, "include_if_exists = '{SETTINGS_FILE}'"))
        .map_err(TestkitError::io(format!("append to {}", configuration.display())))?;

    let mut single = Command::new(bin.join("postgres"));
    single.args(["--single", "-F", "-D"]).arg(folder).arg("postgres");
    let log = run(single, "postgres --single", run_as, FIRST_STATEMENT)?;
    if log.contains("ERROR:") {
        return Err(TestkitError::Ended { what: "postgres --single".into(), log });
    }
    Ok(())
}

/// Runs a program to its end with `input`; answers all it wrote, or an error when it fails.
fn run(
    mut command: Command,
    what: &str,
    run_as: RunAs,
    input: &str,
) -> Result<String, TestkitError> {
    command.current_dir("/").env_clear();
    command.env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8").env("TZ", "UTC");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    run_as.apply(&mut command);
    let failed = || TestkitError::io(format!("run {what}"));
    let mut child = command.spawn().map_err(failed())?;
    if let Some(mut stdin) = child.stdin.take()
        && !input.is_empty()
    {
        stdin.write_all(input.as_bytes()).map_err(failed())?;
    }
    let output = child.wait_with_output().map_err(failed())?;
    let mut log = String::from_utf8_lossy(&output.stdout).into_owned();
    log.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        Ok(log)
    } else {
        Err(TestkitError::Ended { what: what.into(), log })
    }
}
