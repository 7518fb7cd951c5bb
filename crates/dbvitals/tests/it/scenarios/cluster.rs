//! Several servers looked at together, and judged by a single check.

use std::time::Duration;

use dbvitals_checks::{Profile, Settings, judge};
use dbvitals_model::{
    Finding, Severity, Snapshot,
    report::{Report, Skipped},
};
use dbvitals_postgres::{
    Target,
    collect::{Options, collect},
};
use dbvitals_testkit::Postgres;

use super::judging;

/// A snapshot of these servers by name, seen as a member of `pg_monitor`.
pub(crate) async fn look(servers: &[(&str, &Postgres)]) -> Snapshot {
    look_for(None, servers).await
}

/// The same with counters over so many seconds.
pub(crate) async fn watch(seconds: u64, servers: &[(&str, &Postgres)]) -> Snapshot {
    look_for(Some(Duration::from_secs(seconds)), servers).await
}

async fn look_for(window: Option<Duration>, servers: &[(&str, &Postgres)]) -> Snapshot {
    let urls: Vec<_> =
        servers.iter().map(|(name, server)| (*name, server.monitor_url("postgres"))).collect();
    seen(&urls, window).await
}

/// All that can be seen now of servers by name and URL. Whatever got in the way ends the test.
pub(crate) async fn seen(urls: &[(&str, String)], window: Option<Duration>) -> Snapshot {
    let mut taken_at = None;
    let mut targets = Vec::new();
    for (name, url) in urls {
        let target = Target::parse(url, &|_| None).unwrap();
        let options = Options { window, ..Options::default() };
        let collected = Box::pin(collect(&target, &options, &|_| {})).await.unwrap();
        taken_at.get_or_insert(collected.snapshot.server.now);
        targets.push(judging::postgres(name, &target.endpoint(), collected));
    }
    judging::snapshot(taken_at.unwrap(), targets)
}

/// One check with its settings.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    check: &'static str,
    thresholds: Vec<(String, f64)>,
    profile: Profile,
}

impl Judge {
    /// The check with default thresholds.
    pub(crate) fn of(check: &'static str) -> Self {
        Self { check, thresholds: Vec::new(), profile: Profile::Default }
    }

    /// The same with another value of a threshold, so that a small server suffices.
    pub(crate) fn with(mut self, threshold: &str, value: f64) -> Self {
        self.thresholds.push((threshold.to_owned(), value));
        self
    }

    /// The same under the strict profile.
    pub(crate) fn strict(mut self) -> Self {
        self.profile = Profile::Strict;
        self
    }

    fn report(&self, snapshot: &Snapshot) -> Report {
        let thresholds = self.thresholds.iter().map(|(key, value)| (key.as_str(), *value));
        let own = judging::settings(self.check, thresholds);
        judge(snapshot, &Settings { profile: self.profile, ..own })
    }

    /// Its findings; nothing may have been in the way of judging.
    pub(crate) fn findings(&self, snapshot: &Snapshot) -> Vec<Finding> {
        let report = self.report(snapshot);
        let asked = |class| {
            use dbvitals_model::Reason;
            matches!(class, Reason::NotApplicable | Reason::Version | Reason::NotAsked)
        };
        let gaps: Vec<_> = report.coverage.skipped.iter().filter(|s| !asked(s.class)).collect();
        assert!(gaps.is_empty(), "{}: {gaps:?}", self.check);
        report.findings
    }

    /// Its only finding.
    pub(crate) fn finding(&self, snapshot: &Snapshot) -> Finding {
        let mut findings = self.findings(snapshot);
        assert_eq!(findings.len(), 1, "{}: {findings:#?}", self.check);
        findings.remove(0)
    }

    /// Its only finding, of that severity.
    pub(crate) fn fires(&self, severity: Severity, snapshot: &Snapshot) -> Finding {
        let finding = self.finding(snapshot);
        assert_eq!(finding.severity, severity, "{finding:#?}");
        finding
    }

    /// Nothing is found, and it was looked for.
    pub(crate) fn is_silent(&self, snapshot: &Snapshot) {
        let findings = self.findings(snapshot);
        assert!(findings.is_empty(), "{}: {findings:#?}", self.check);
        let report = self.report(snapshot);
        assert!(!report.coverage.checked.is_empty(), "{}: {:?}", self.check, report.coverage);
    }

    /// It does not apply, or something is in its way.
    pub(crate) fn skipped(&self, snapshot: &Snapshot) -> Skipped {
        let report = self.report(snapshot);
        assert!(report.findings.is_empty(), "{:#?}", report.findings);
        report.coverage.skipped.into_iter().next().unwrap()
    }
}

/// Runs a finding's statements as they stand, one by one, and waits for a reload among them to take effect.
pub(crate) async fn mend(server: &Postgres, database: &str, finding: &Finding) {
    let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("no fix: {finding:#?}"));
    run(server, database, &fix.statements).await;
}

/// Runs a finding's undo in the same way.
pub(crate) async fn undo(server: &Postgres, database: &str, finding: &Finding) {
    let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("no fix: {finding:#?}"));
    assert!(fix.reversible);
    run(server, database, &fix.undo).await;
}

/// Runs statements one by one, and waits for a reload among them to take effect.
pub(crate) async fn run(server: &Postgres, database: &str, statements: &[String]) {
    let loaded = server.scalar(database, "select pg_conf_load_time()").await.unwrap();
    for statement in statements {
        server.sql(database, statement).await.unwrap();
    }
    if statements.iter().any(|statement| statement.contains("pg_reload_conf")) {
        let reloaded = format!("select pg_conf_load_time() > '{loaded}'");
        server.wait_until(database, &reloaded).await.unwrap();
    }
}

/// Changes settings by `ALTER SYSTEM` and a reload.
pub(crate) async fn set(server: &Postgres, settings: &[(&str, &str)]) {
    let mut statements: Vec<_> = settings
        .iter()
        .map(|(name, value)| format!("ALTER SYSTEM SET {name} = '{value}';"))
        .collect();
    statements.push("SELECT pg_reload_conf();".to_owned());
    run(server, "postgres", &statements).await;
}

/// Writes so many megabytes of WAL.
pub(crate) async fn write_wal(server: &Postgres, megabytes: u32) {
    let message = "select count(pg_logical_emit_message(false, 'x', repeat('x', 1048576)))";
    let text = format!("{message} from generate_series(1, {megabytes})");
    server.rows("postgres", &text).await.unwrap();
}
