//! Collects a real server, judges it with one check, runs the statements of its fix.

use std::time::Duration;

use dbvitals_checks::{Settings, judge, pg::bloat::shortlist::shortlist};
use dbvitals_model::{
    Finding, Severity, Snapshot,
    pg::{DatabaseSnapshot, instance::Server},
    report::{Report, Skipped},
    since::since,
};
use dbvitals_postgres::{
    Target,
    collect::{Measuring, Options, collect},
};
use dbvitals_testkit::Postgres;

use crate::scenarios::{harness, judging};

/// One check, held against one database of one server.
pub(crate) struct Case<'a> {
    pub(crate) pg: &'a Postgres,
    pub(crate) database: String,
    check: &'static str,
    thresholds: Vec<(&'static str, f64)>,
    window: Option<Duration>,
    measures: bool,
    earlier: Option<Snapshot>,
    url: String,
}

impl<'a> Case<'a> {
    /// A check in a database of its own.
    pub(crate) async fn fresh(pg: &'a Postgres, check: &'static str) -> Self {
        let database = pg.fresh_database("scenario").await.unwrap();
        Self::of(pg, &database, check)
    }

    /// A check in a database that is there.
    pub(crate) fn of(pg: &'a Postgres, database: &str, check: &'static str) -> Self {
        Self {
            pg,
            database: database.to_owned(),
            check,
            thresholds: Vec::new(),
            window: None,
            measures: false,
            earlier: None,
            url: pg.superuser_url(database),
        }
    }

    /// With another threshold, so that the condition may be small.
    pub(crate) fn with(mut self, key: &'static str, value: f64) -> Self {
        self.thresholds.push((key, value));
        self
    }

    /// With two looks so far apart.
    pub(crate) fn watching(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Reading the pages of suspects, up to 64 MB.
    pub(crate) fn measuring(mut self) -> Self {
        self.measures = true;
        self
    }

    /// As the role that may only monitor.
    pub(crate) fn monitoring(mut self) -> Self {
        self.url = self.pg.monitor_url(&self.database);
        self
    }

    /// Runs statements in the database.
    pub(crate) async fn sql(&self, text: &str) {
        self.pg.sql(&self.database, text).await.unwrap();
    }

    /// Waits until a query answers true.
    pub(crate) async fn until(&self, query: &str) {
        self.pg.wait_until(&self.database, query).await.unwrap();
    }

    /// Waits until all that was written to a table is counted.
    pub(crate) async fn counted(&self, table: &str) {
        harness::counted(self.pg, &self.database, table).await;
    }

    /// Vacuums and analyses a table, once its writes are counted and until that is told.
    pub(crate) async fn vacuumed(&self, table: &str) {
        harness::vacuumed(self.pg, &self.database, table).await;
    }

    /// Waits until the server tells that a table was analysed after its last write.
    pub(crate) async fn analysed(&self, table: &str) {
        harness::analysed(self.pg, &self.database, table).await;
    }

    /// What the check says of this database, and of the server as a whole; a skip stops the test.
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        let report = self.report().await;
        assert!(report.coverage.skipped.is_empty(), "{:?}", report.coverage.skipped);
        let database = self.database.as_str();
        let mut findings = report.findings;
        findings.retain(|found| match &found.subject.database {
            Some(own) => own == database,
            None => found.subject.kind != "database" || found.subject.name == database,
        });
        findings
    }

    /// The one finding there must be.
    pub(crate) async fn only(&self) -> Finding {
        let mut findings = self.findings().await;
        assert_eq!(findings.len(), 1, "{}: {findings:?}", self.check);
        let found = findings.remove(0);
        assert!(!found.evidence.is_empty() && !found.recommendation.is_empty());
        found
    }

    /// Why the check could not look.
    pub(crate) async fn skip(&self) -> Skipped {
        let report = self.report().await;
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        report.coverage.skipped.into_iter().next().unwrap()
    }

    /// Runs the statements of a fix as they are, each alone.
    pub(crate) async fn mend(&self, found: &Finding) {
        let fix = found.fix.as_ref().unwrap_or_else(|| panic!("no fix: {found:?}"));
        for statement in &fix.statements {
            self.sql(statement).await;
        }
    }

    /// Nothing is found any more.
    pub(crate) async fn gone(&self) {
        let findings = self.findings().await;
        assert!(findings.is_empty(), "{} is still there: {findings:?}", self.check);
    }

    /// Found once with that severity, mended by its own fix, gone.
    pub(crate) async fn found_and_mended(&self, severity: Severity) {
        let found = self.only().await;
        assert_eq!(found.severity, severity, "{found:?}");
        self.mend(&found).await;
        self.gone().await;
    }

    async fn report(&self) -> Report {
        let mut snapshot = self.snapshot().await;
        if let Some(earlier) = &self.earlier {
            since(earlier, &mut snapshot);
        }
        judge(&snapshot, &self.settings())
    }

    fn settings(&self) -> Settings {
        judging::settings(self.check, self.thresholds.iter().copied())
    }

    /// From now on what is found is held against the present state.
    pub(crate) async fn remember(&mut self) {
        self.earlier = Some(self.snapshot().await);
    }

    async fn snapshot(&self) -> Snapshot {
        let wanted = |name: &str| name == self.database;
        let settings = self.settings();
        let shortlist = |server: &Server, database: &DatabaseSnapshot| {
            shortlist(server, "main", database, &settings)
        };
        let measuring = Measuring {
            budget_bytes: 64 << 20,
            timeout: Duration::from_secs(10),
            shortlist: &shortlist,
        };
        let measuring = self.measures.then_some(measuring);
        let options =
            Options { window: self.window, measuring, wanted: &wanted, ..Options::default() };
        let target = Target::parse(&self.url, &|_| None).unwrap();
        let collected = Box::pin(collect(&target, &options, &|_| {})).await.unwrap();
        let taken_at = collected.snapshot.server.now;
        judging::snapshot(taken_at, vec![judging::postgres("main", "127.0.0.1", collected)])
    }
}
