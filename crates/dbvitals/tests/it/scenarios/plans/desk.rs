//! A server with a database, and statements analysed on it by the program.

use std::{collections::BTreeMap, fmt::Write as _};

use dbvitals_model::{Finding, report::Report};
use dbvitals_testkit::{PgVersion, Postgres};

use super::super::harness::DATABASE;
use crate::run::{at, dbvitals};

/// The oldest and the newest server.
pub(super) const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

/// The first version with `Memoize`, and the newest.
pub(super) const WITH_MEMOIZE: [PgVersion; 2] = [PgVersion::V14, PgVersion::NEWEST];

/// A server and the checks its statements are held against.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) server: Postgres,
    check: &'static str,
    limits: BTreeMap<String, f64>,
    arguments: Vec<&'static str>,
}

impl Desk {
    /// A check with its thresholds, save that any time is worth a word; on a server that changes no plan by itself.
    pub(super) async fn of(check: &'static str, version: PgVersion) -> Self {
        let server = Postgres::builder(version)
            .setting("autovacuum", "off")
            .setting("max_parallel_workers_per_gather", "0")
            .setting("jit", "off")
            .start()
            .unwrap();
        server.create_database(DATABASE).await.unwrap();
        let limits = [("min_avoidable_ms".to_owned(), 0.0)].into();
        Self { server, check, limits, arguments: vec!["--analyze"] }
    }

    /// With another threshold.
    #[must_use]
    pub(super) fn limit(mut self, key: &str, value: f64) -> Self {
        self.limits.insert(key.to_owned(), value);
        self
    }

    /// With its own thresholds only.
    #[must_use]
    pub(super) fn by_default(mut self) -> Self {
        self.limits.clear();
        self
    }

    /// With more arguments.
    #[must_use]
    pub(super) fn with(mut self, arguments: &[&'static str]) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// Without these arguments.
    #[must_use]
    pub(super) fn without(mut self, argument: &str) -> Self {
        self.arguments.retain(|it| *it != argument);
        self
    }

    /// Makes the condition, as the superuser.
    pub(super) async fn sql(&self, text: &str) {
        self.server.sql(DATABASE, text).await.unwrap();
    }

    /// The same, each statement in a transaction of its own (`VACUUM`).
    pub(super) async fn each(&self, statements: &[&str]) {
        for statement in statements {
            self.sql(statement).await;
        }
    }

    /// For sessions that begin from now on.
    pub(super) async fn set(&self, name: &str, value: &str) {
        self.sql(&format!("alter database {DATABASE} set {name} = {value}")).await;
    }

    /// Waits until a condition holds that is written in SQL.
    pub(super) async fn until(&self, condition: &str) {
        self.server.wait_until(DATABASE, &format!("select {condition}")).await.unwrap();
    }

    /// What `query analyze` reports of a statement. A check that was skipped ends the test.
    pub(super) fn report(&self, checks: &str, statement: &str) -> Report {
        let mut settings = String::new();
        for check in checks.split(',') {
            let _ = writeln!(settings, "[checks.{check}]");
            for (key, value) in &self.limits {
                let _ = writeln!(settings, "{key} = {value:?}");
            }
        }
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), settings).unwrap();
        let url = self.server.superuser_url(DATABASE);
        let fixed = ["query", "analyze", "-q", "-f", "json", "--fail-on", "never", "-t", &url];
        let judging = ["--only", checks, "--config", at(file.path())];
        let all = [&fixed[..], &judging, &self.arguments, &[statement]].concat();
        let report: Report = serde_json::from_str(&dbvitals(&all).ended(&[0]).out).unwrap();
        assert_eq!(report.coverage.skipped, [], "{checks}");
        report
    }

    /// The one finding there is. It stands at its node in the tree, and what can be saved is part of the whole.
    pub(super) fn found(&self, statement: &str) -> Finding {
        let mut report = self.report(self.check, statement);
        let plans: Vec<_> = report.statements.iter().map(|it| &it.plans).collect();
        assert_eq!(report.findings.len(), 1, "{:#?}\n{plans:#?}", report.findings);
        let finding = report.findings.remove(0);
        let tree = &report.statements[0].plans[0];
        if finding.subject.kind == "node" {
            let marked: Vec<_> =
                tree.steps.iter().filter(|step| !step.findings.is_empty()).collect();
            assert_eq!(marked.len(), 1, "{tree:#?}");
            assert!(finding.message.contains(&marked[0].title), "{}", finding.message);
        }
        let avoidable = tree.avoidable.unwrap_or_default();
        assert!((0.0..=tree.total).contains(&avoidable), "{avoidable} of {}", tree.total);
        finding
    }

    /// Nothing is found in a statement.
    pub(super) fn gone(&self, statement: &str) {
        let report = self.report(self.check, statement);
        assert_eq!(report.findings, [], "{:#?}", report.statements);
    }

    /// Does what a fix says. A setting for one transaction holds for the database: the next one is the program's own.
    pub(super) async fn apply(&self, finding: &Finding) {
        let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("no fix: {finding:#?}"));
        for statement in &fix.statements {
            let setting =
                statement.strip_prefix("SET LOCAL ").or_else(|| statement.strip_prefix("SET "));
            match setting {
                Some(setting) => {
                    self.sql(&format!("alter database {DATABASE} set {setting}")).await;
                }
                None => self.sql(statement).await,
            }
        }
    }
}
