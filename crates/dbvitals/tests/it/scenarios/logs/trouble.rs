//! What befalls the server, and lines that cannot be read.

use std::{fs, path::PathBuf, process::Command};

use super::logged::{Logged, VERSIONS, list_of_evidence, message, number};
use crate::run::{at, dbvitals, list, text};

#[tokio::test]
async fn a_killed_process_is_told_as_a_crash_and_its_recovery() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        let victim = log.session().await;
        let pid: i32 = victim.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        assert!(killed.success());
        log.until_logged("all server processes terminated; reinitializing", 1).await;
        log.until_logged("database system is ready to accept connections", 2).await;
        let mut found = log.look("log-server-incident").await;
        found.sort_by_key(|finding| text(finding, "/subject/name").to_owned());
        let [crash, recovery] = &found[..] else { panic!("{found:#?}") };
        // `server process`, and since 18 `client backend`.
        let said = format!("(PID {pid}) was terminated by signal 9: Killed");
        assert!(message(crash).starts_with("a server process crashed once: "), "{crash:#}");
        assert!(message(crash).ends_with(&said), "{crash:#}");
        assert_eq!(text(crash, "/severity"), "critical");
        assert!(message(recovery).starts_with("the server recovered from an unclean stop once"));
        // Nobody kills any more; an ordinary restart is none of it.
        log.server.restart().unwrap();
        log.sql("select 1").await;
        log.gone("log-server-incident").await;
    }
}

#[tokio::test]
async fn a_panic_is_told() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.gone("log-server-incident").await;
        log.server.stop().unwrap();
        // Without WAL the server cannot begin.
        let wal = log.server.data_dir().join("pg_wal");
        for entry in fs::read_dir(&wal).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::remove_file(path).unwrap();
            }
        }
        log.server.start().unwrap_err();
        let found = log.look_at("log-server-incident", &log.files);
        let panic = found.iter().find(|finding| text(finding, "/subject/name") == "panic");
        let panic = panic.unwrap_or_else(|| panic!("{found:#?}"));
        assert!(message(panic).contains("could not locate a valid checkpoint record"), "{panic:#}");
        let crash = found.iter().find(|finding| text(finding, "/subject/name") == "crash");
        let crash = crash.unwrap_or_else(|| panic!("{found:#?}"));
        assert!(message(crash).contains("startup process (PID "), "{crash:#}");
    }
}

/// Bytes that are no text in any encoding, without an end of line.
const RUBBISH: &[u8] = b"\x00\x01\xff\xfe\x80PK\x03\x04\xc3\x28\xf0\x90";

/// The same log with rubbish between its records, and with a cut beginning.
fn spoiled(log: &Logged, folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let spoil = |file: &PathBuf| {
        let written = fs::read(file).unwrap();
        let mut text = RUBBISH.to_vec();
        text.push(b'\n');
        // A record that lost its beginning.
        text.extend_from_slice(b"ost its beginning\n");
        text.extend_from_slice(&written);
        text.extend_from_slice(RUBBISH);
        text.extend_from_slice("\nsystemd[1]: Größe geändert\n".as_bytes());
        let copy = folder.path().join(file.file_name().unwrap());
        fs::write(&copy, text).unwrap();
        copy
    };
    log.files.iter().map(spoil).collect()
}

#[tokio::test]
async fn lines_that_cannot_be_read_are_counted_and_those_of_other_encodings_are_read() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql(
            "create database latin encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'",
        )
        .await;
        // The log holds each database's own encoding.
        log.server.sql("latin", "set client_encoding = 'UTF8'; select 'Größe'").await.unwrap();
        log.gone("log-unread-lines").await;
        for file in &log.files {
            let snapshot = dbvitals(&["log", at(file), "--format", "json", "--fail-on", "never"]);
            let report = snapshot.ended(&[0]).json();
            let tables = list(&report, "/overview");
            let rows = tables.iter().flat_map(|table| list(table, "/rows"));
            let is_told = rows.flat_map(|row| row.as_array().unwrap()).any(|cell| {
                cell.as_str().is_some_and(|cell| cell.contains("set client_encoding = ?; select ?"))
            });
            assert!(is_told, "{}: {tables:#?}", file.display());
        }
        let folder = tempfile::tempdir().unwrap();
        let found = log.look_at("log-unread-lines", &spoiled(&log, &folder));
        let [found] = &found[..] else { panic!("{found:#?}") };
        assert!(message(found).starts_with("4 lines are no part of any record"), "{found:#}");
        let lines = list_of_evidence(found, "line");
        assert_eq!(lines.len(), 4, "{found:#}");
        assert!(text(lines[0], "/value").starts_with("\\0\\u{1}"), "{found:#}");
        assert!(number(found, "unread") > 0.0, "{found:#}");
    }
}
