//! Nothing stays behind, however the owner ends.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use dbvitals_testkit::{PgVersion, Postgres, Redis, RedisVersion};

use crate::observe::{children_of, eventually, processes_of, runs};

#[tokio::test]
async fn a_dropped_server_leaves_no_process_and_no_folder() {
    let pg = Postgres::builder(PgVersion::V16).start().unwrap();
    let busy = pg.client("postgres").await.unwrap();
    busy.batch_execute("begin; create table t ()").await.unwrap();
    let (folder, postmaster) = (pg.folder().to_owned(), pg.pid().unwrap());
    let children = children_of(postmaster);
    assert!(children.len() > 3, "{children:?}");
    drop(pg);
    assert!(!folder.exists());
    assert!(!runs(postmaster));
    assert!(!children.into_iter().any(runs));
    assert_eq!(processes_of(&folder), []);
}

#[test]
fn a_killed_server_leaves_no_process_and_no_shared_memory() {
    let pg = Postgres::builder(PgVersion::V15).start().unwrap();
    let postmaster = pg.pid().unwrap();
    let children = children_of(postmaster);
    let shared_memory = shared_memory_of(postmaster);
    assert!(!shared_memory.is_empty());
    pg.kill().unwrap();
    assert!(!runs(postmaster));
    assert!(!children.into_iter().any(runs));
    assert!(pg.folder().exists());
    let folder = pg.folder().to_owned();
    drop(pg);
    assert!(!folder.exists());
    assert!(!shared_memory.iter().any(|file| file.exists()), "{shared_memory:?}");
}

#[test]
fn a_frozen_server_is_removed_too() {
    let pg = Postgres::builder(PgVersion::V16).start().unwrap();
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    pg.freeze().unwrap();
    redis.freeze().unwrap();
    let folders = [pg.folder().to_owned(), redis.folder().to_owned()];
    drop((pg, redis));
    for folder in folders {
        assert!(!folder.exists());
        assert_eq!(processes_of(&folder), []);
    }
}

#[test]
fn servers_are_removed_when_their_owner_is_killed() {
    for words in [["postgres", "18"], ["redis", "6.2"]] {
        let (mut owner, server, folder) = owner_of(words);
        assert!(runs(server));
        assert!(folder.exists());
        // SIGKILL: the owner cannot clean up.
        owner.kill().unwrap();
        owner.wait().unwrap();
        eventually("the folder goes", || !folder.exists());
        eventually("every process goes", || processes_of(&folder).is_empty());
        assert!(!runs(server));
    }
}

#[test]
fn servers_are_removed_when_their_owner_ends() {
    let (mut owner, server, folder) = owner_of(["postgres", "13"]);
    drop(owner.stdin.take());
    assert!(owner.wait().unwrap().success());
    assert!(!folder.exists());
    assert!(!runs(server));
    assert_eq!(processes_of(&folder), []);
}

#[test]
fn a_missing_server_names_the_command_that_installs_it() {
    let empty = std::env::temp_dir().join("dbvitals-no-such-cache");
    for words in [["postgres", "16"], ["redis", "6.2"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_serve"))
            .args(words)
            .env("DBVITALS_CACHE", &empty)
            .output()
            .unwrap();
        assert!(!output.status.success());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("cargo xtask setup"), "{message}");
        assert!(message.contains(empty.to_str().unwrap()), "{message}");
    }
}

/// A process that owns a server; the server's process id and folder.
fn owner_of(words: [&str; 2]) -> (Child, u32, PathBuf) {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_serve"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stdout.take().unwrap()).lines().take(3);
    let lines: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(lines.len(), 3, "the owner ended early");
    (owner, lines[1].parse().unwrap(), PathBuf::from(&lines[2]))
}

/// The shared-memory files a process has mapped.
fn shared_memory_of(pid: u32) -> Vec<PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let files = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    files
        .filter(|file| file.starts_with("/dev/shm/PostgreSQL."))
        .map(|file| Path::new(file).to_owned())
        .collect()
}
