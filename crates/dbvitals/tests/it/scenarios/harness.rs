//! One check against a real server: find the condition, run the fix, find it no more.

use std::{collections::BTreeMap, time::Duration};

use dbvitals_model::{Finding, Snapshot, report::Report};
use dbvitals_testkit::Postgres;

use super::{cluster, judging};

/// The database the conditions are made in.
pub(crate) const DATABASE: &str = "app";

/// One statement for each number below a limit.
pub(crate) fn each(limit: usize, statement: impl Fn(usize) -> String) -> String {
    (0..limit).map(statement).collect::<Vec<_>>().concat()
}

/// Waits until the server has counted all that was written to a table, of which rows are left: a session's counters
/// may arrive after the session ended, and counted after an `ANALYZE` or a `VACUUM` they look like writes that came
/// after it.
pub(crate) async fn counted(server: &Postgres, database: &str, table: &str) {
    let condition = format!(
        "select n_tup_ins - n_tup_del = (select count(*) from {table})
         from pg_stat_user_tables where relid = '{table}'::regclass"
    );
    server.wait_until(database, &condition).await.unwrap();
}

/// Waits until the server tells that a table was analysed after its last write: until 14 it shows statistics that are
/// up to half a second old.
pub(crate) async fn analysed(server: &Postgres, database: &str, table: &str) {
    let condition = format!(
        "select n_mod_since_analyze = 0 and last_analyze is not null
         from pg_stat_user_tables where relid = '{table}'::regclass"
    );
    server.wait_until(database, &condition).await.unwrap();
}

/// Vacuums and analyses a table, once its writes are counted and until that is told.
pub(crate) async fn vacuumed(server: &Postgres, database: &str, table: &str) {
    counted(server, database, table).await;
    server.sql(database, &format!("vacuum (analyze) {table}")).await.unwrap();
    analysed(server, database, table).await;
}

/// A server and the one check it is held against.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) server: Postgres,
    check: &'static str,
    limits: BTreeMap<String, f64>,
    window: Option<Duration>,
    user: &'static str,
}

impl Trial {
    /// A check with its default thresholds, on a server that gets a database [`DATABASE`].
    pub(crate) async fn of(check: &'static str, server: Postgres) -> Self {
        server.create_database(DATABASE).await.unwrap();
        Self::on(check, server)
    }

    /// The same on a server that has the database.
    pub(crate) fn on(check: &'static str, server: Postgres) -> Self {
        Self { server, check, limits: BTreeMap::new(), window: None, user: "monitor" }
    }

    /// The same server held against another check, with its default thresholds.
    #[must_use]
    pub(crate) fn then(self, check: &'static str) -> Self {
        Self { check, limits: BTreeMap::new(), ..self }
    }

    /// With another threshold: what would take hours or gigabytes to bring about in full.
    #[must_use]
    pub(crate) fn limit(mut self, key: &str, value: f64) -> Self {
        self.limits.insert(key.to_owned(), value);
        self
    }

    /// Over a window of that length.
    #[must_use]
    pub(crate) fn window(mut self, length: Duration) -> Self {
        self.window = Some(length);
        self
    }

    /// Audited by the superuser instead of by a member of `pg_monitor`.
    #[must_use]
    pub(crate) fn by_superuser(mut self) -> Self {
        self.user = "postgres";
        self
    }

    /// Makes the condition, as the superuser in [`DATABASE`].
    pub(crate) async fn sql(&self, text: &str) {
        self.server.sql(DATABASE, text).await.unwrap();
    }

    /// Waits until a condition holds that is written in SQL.
    pub(crate) async fn until(&self, condition: &str) {
        self.server.wait_until(DATABASE, &format!("select {condition}")).await.unwrap();
    }

    /// Installs the extension the statements are counted by.
    pub(crate) async fn with_statements(self) -> Self {
        self.sql("create extension pg_stat_statements").await;
        self
    }

    /// All that can be seen of the server now.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let url = self.server.url(self.user, self.user, DATABASE);
        cluster::seen(&[("main", url)], self.window).await
    }

    /// What the check finds now. A check that was skipped ends the test.
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        self.findings_in(&self.snapshot().await)
    }

    /// Why the check was skipped.
    pub(crate) async fn skipped(&self) -> dbvitals_model::report::Skipped {
        let mut skipped = self.judged(&self.snapshot().await).coverage.skipped;
        assert_eq!(skipped.len(), 1, "{} was not skipped once: {skipped:#?}", self.check);
        skipped.remove(0)
    }

    /// The lines of a plan, as one text; the last statement is the `EXPLAIN`.
    pub(crate) async fn plan(&self, text: &str) -> String {
        let rows = self.server.rows(DATABASE, text).await.unwrap();
        let lines = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What the check finds in a snapshot. A check that was skipped ends the test.
    pub(crate) fn findings_in(&self, snapshot: &Snapshot) -> Vec<Finding> {
        let report = self.judged(snapshot);
        assert_eq!(report.coverage.skipped, [], "{} was skipped", self.check);
        assert_eq!(report.coverage.checked.len(), 1, "{} is not a check", self.check);
        report.findings
    }

    fn judged(&self, snapshot: &Snapshot) -> Report {
        let limits = self.limits.iter().map(|(key, value)| (key.as_str(), *value));
        judging::report(self.check, limits, snapshot)
    }

    /// The one finding there is when some facts of a look are others.
    pub(crate) async fn found_where(&self, replace: impl Fn(&mut Snapshot)) -> Finding {
        let mut findings = self.findings_where(replace).await;
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.remove(0)
    }

    /// Nothing is found any more when the same facts are others.
    pub(crate) async fn gone_where(&self, replace: impl Fn(&mut Snapshot)) {
        assert_eq!(self.findings_where(replace).await, []);
    }

    async fn findings_where(&self, replace: impl Fn(&mut Snapshot)) -> Vec<Finding> {
        let mut snapshot = self.snapshot().await;
        replace(&mut snapshot);
        self.findings_in(&snapshot)
    }

    /// Runs the statements of a fix, and waits until a reload among them has taken effect.
    pub(crate) async fn mend(&self, finding: &Finding) {
        cluster::mend(&self.server, DATABASE, finding).await;
    }

    /// The one finding there is.
    pub(crate) async fn found(&self) -> Finding {
        let mut findings = self.findings().await;
        assert_eq!(findings.len(), 1, "{findings:#?}");
        findings.remove(0)
    }

    /// The finding whose message holds a text, among others.
    pub(crate) async fn found_about(&self, text: &str) -> Finding {
        let findings = self.findings().await;
        let about = findings.iter().find(|finding| finding.message.contains(text));
        about.unwrap_or_else(|| panic!("nothing about {text}: {findings:#?}")).clone()
    }

    /// Runs the statements of a fix one after the other, as the superuser in the finding's database.
    pub(crate) async fn apply(&self, finding: &Finding) {
        let database = finding.subject.database.as_deref().unwrap_or(DATABASE);
        let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("no fix: {finding:#?}"));
        for statement in &fix.statements {
            self.server.sql(database, statement).await.unwrap();
        }
    }

    /// Nothing is found any more.
    pub(crate) async fn gone(&self) {
        assert_eq!(self.findings().await, []);
    }

    /// Nothing about a text is found any more.
    pub(crate) async fn gone_about(&self, text: &str) {
        let findings = self.findings().await;
        let about = findings.iter().find(|finding| finding.message.contains(text));
        assert_eq!(about, None);
    }
}
