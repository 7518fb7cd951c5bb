//! A server that logs in every format it has at once, and what `dbvitals log` says of what came since the last look.

use std::{
    cell::Cell,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::run::{at, dbvitals, list, text};

/// The database the conditions are made in.
pub(super) const DATABASE: &str = "app";
/// The versions every condition is made on: plain log and csvlog on both, jsonlog on the newer.
pub(super) const VERSIONS: [PgVersion; 2] = [PgVersion::V13, PgVersion::V18];
/// After this time whatever is waited for does not come.
const DEADLINE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(20);

/// What a server is told to log; a test may say otherwise.
const TOLD: [(&str, &str); 14] = [
    ("logging_collector", "on"),
    ("log_directory", "log"),
    ("log_filename", "server.log"),
    ("log_rotation_age", "0"),
    ("log_line_prefix", "%m [%p] %v %q%u@%d/%a "),
    ("log_timezone", "Europe/Berlin"),
    ("log_min_duration_statement", "0"),
    ("log_lock_waits", "on"),
    ("deadlock_timeout", "50ms"),
    ("log_temp_files", "0"),
    ("log_checkpoints", "on"),
    ("log_autovacuum_min_duration", "0"),
    ("log_connections", "on"),
    ("log_disconnections", "on"),
];

/// A server and its logs.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) server: Postgres,
    /// How far each log was read, and the thresholds.
    folder: TempDir,
    pub(super) files: Vec<PathBuf>,
    marks: Cell<u32>,
    thresholds: String,
}

impl Logged {
    /// A server that logs much, with these settings besides.
    pub(super) async fn of(version: PgVersion, settings: &[(&str, &str)]) -> Self {
        Self::with(version, settings, &[]).await
    }

    /// The same with lines of `pg_hba.conf` before the usual ones.
    pub(super) async fn with(version: PgVersion, settings: &[(&str, &str)], hba: &[&str]) -> Self {
        let mut endings = vec!["log", "csv"];
        let mut destination = "stderr,csvlog".to_owned();
        if version.major() >= 15 {
            endings.push("json");
            destination.push_str(",jsonlog");
        }
        let mut builder = Postgres::builder(version).setting("log_destination", &destination);
        for (name, value) in TOLD.iter().chain(settings) {
            builder = builder.setting(name, value);
        }
        let server = hba.iter().fold(builder, |builder, line| builder.hba(line)).start().unwrap();
        server.create_database(DATABASE).await.unwrap();
        let log = server.data_dir().join("log/server");
        let files = endings.iter().map(|ending| log.with_extension(ending)).collect();
        let folder = tempfile::tempdir().unwrap();
        Self { server, folder, files, marks: Cell::new(0), thresholds: String::new() }
    }

    /// With another threshold: what would take hours or gigabytes to bring about in full.
    pub(super) fn limit(mut self, check: &str, key: &str, value: f64) -> Self {
        let threshold = format!("[checks.{check}]\n{key} = {value:?}\n");
        self.thresholds.push_str(&threshold);
        self
    }

    /// Statements of the superuser.
    pub(super) async fn sql(&self, text: &str) {
        self.server.sql(DATABASE, text).await.unwrap();
    }

    /// A session of the superuser.
    pub(super) async fn session(&self) -> Client {
        self.server.client(DATABASE).await.unwrap()
    }

    /// A session of a role that may do little, over TCP.
    pub(super) async fn session_of_monitor(&self) -> Client {
        self.server.client_as(&self.server.monitor_url(DATABASE)).await.unwrap()
    }

    /// Waits until a condition holds that is written in SQL.
    pub(super) async fn until(&self, condition: &str) {
        self.server.wait_until(DATABASE, &format!("select {condition}")).await.unwrap();
    }

    /// Waits until every log holds a text so many times.
    pub(super) async fn until_logged(&self, words: &str, times: usize) {
        let begun = Instant::now();
        let holds = |file: &PathBuf| {
            let log = fs::read(file).unwrap_or_default();
            String::from_utf8_lossy(&log).matches(words).count() >= times
        };
        while !self.files.iter().all(holds) {
            assert!(begun.elapsed() < DEADLINE, "no {times} {words:?} in {:?}", self.files);
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until all that was done before is in the logs.
    pub(super) async fn is_written(&self) {
        let mark = self.marks.replace(self.marks.get() + 1);
        let words = format!("all before {mark} is written");
        self.sql(&format!("do $$ begin raise log '{words}'; end $$")).await;
        // Once by itself, once as the statement that said so.
        self.until_logged(&words, 2).await;
    }

    /// What a check says of what was logged since it looked last: the same whatever the format.
    pub(super) async fn look(&self, check: &str) -> Vec<Value> {
        self.is_written().await;
        self.judge(check, &self.files, true)
    }

    /// What a check says of files, one for each format, from their beginnings.
    pub(super) fn look_at(&self, check: &str, files: &[PathBuf]) -> Vec<Value> {
        self.judge(check, files, false)
    }

    fn judge(&self, check: &str, files: &[PathBuf], resumes: bool) -> Vec<Value> {
        let config = self.folder.path().join("thresholds.toml");
        fs::write(&config, &self.thresholds).unwrap();
        let mut seen: Option<Vec<Value>> = None;
        for file in files {
            let name = format!("{check}.{}", file.file_name().unwrap().display());
            let state = self.folder.path().join(name);
            let mut arguments = vec!["log", at(file), "--only", check, "--config", at(&config)];
            arguments.extend(["--format", "json", "--fail-on", "never"]);
            if resumes {
                arguments.extend(["--resume", at(&state)]);
            }
            let report = dbvitals(&arguments).ended(&[0]).json();
            let skipped = list(&report, "/coverage/skipped");
            assert!(skipped.iter().all(|skip| text(skip, "/class") != "failed"), "{skipped:#?}");
            let findings = list(&report, "/findings");
            match &seen {
                None => seen = Some(findings.to_vec()),
                Some(first) => is_alike(first, findings, at(file)),
            }
        }
        seen.unwrap_or_default()
    }

    /// The one finding of a check.
    pub(super) async fn found(&self, check: &str) -> Value {
        let mut found = self.look(check).await;
        assert_eq!(found.len(), 1, "{check}: {found:#?}");
        found.remove(0)
    }

    /// Nothing is found in what was logged since.
    pub(super) async fn gone(&self, check: &str) {
        assert_eq!(self.look(check).await, [""; 0], "{check}");
    }
}

/// The formats tell the same.
fn is_alike(first: &[Value], other: &[Value], file: &str) {
    let told = |findings: &[Value]| -> Vec<[String; 3]> {
        let words = |finding: &Value, place| text(finding, place).to_owned();
        let told =
            |finding| ["/message", "/severity", "/subject/name"].map(|at| words(finding, at));
        findings.iter().map(told).collect()
    };
    assert_eq!(told(first), told(other), "{file}");
}

/// The value of a piece of evidence.
pub(super) fn evidence<'a>(finding: &'a Value, label: &str) -> &'a Value {
    let mut all = list(finding, "/evidence").iter();
    let found = all.find(|evidence| text(evidence, "/label") == label);
    &found.unwrap_or_else(|| panic!("no {label:?}: {finding:#}"))["value"]
}

/// The number of a piece of evidence.
pub(super) fn number(finding: &Value, label: &str) -> f64 {
    evidence(finding, label).as_f64().unwrap_or_else(|| panic!("{label:?}: {finding:#}"))
}

/// The words of a piece of evidence.
pub(super) fn words<'a>(finding: &'a Value, label: &str) -> &'a str {
    evidence(finding, label).as_str().unwrap_or_else(|| panic!("{label:?}: {finding:#}"))
}

/// What a finding says.
pub(super) fn message(finding: &Value) -> &str {
    text(finding, "/message")
}

/// All pieces of evidence whose labels begin so.
pub(super) fn list_of_evidence<'a>(finding: &'a Value, label: &str) -> Vec<&'a Value> {
    let all = list(finding, "/evidence").iter();
    all.filter(|evidence| text(evidence, "/label").starts_with(label)).collect()
}
