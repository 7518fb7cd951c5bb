//! Scenarios on throwaway Redis servers.

mod clients;
mod cluster;
mod keys;
mod latency;
mod load;
mod memory;
mod persistence;
mod replication;
mod security;
mod settings;
mod verdict;

use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use dbvitals_model::{Finding, Section, Severity, Snapshot, TargetData, snapshot::Expectations};
use dbvitals_redis::{Options, Target, collect};
use dbvitals_testkit::Redis;

use verdict::Verdict;

/// A server and the check it is judged with.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    redis: &'a Redis,
    check: &'static str,
    url: String,
    limits: Vec<(&'static str, f64)>,
    expectations: Expectations,
    window: Option<Duration>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(redis: &'a Redis, check: &'static str) -> Self {
        let (limits, expectations) = (Vec::new(), Expectations::default());
        Self { redis, check, url: redis.url(), limits, expectations, window: None }
    }

    /// Audits through this URL instead of the server's own.
    pub(crate) fn through(mut self, url: &str) -> Self {
        self.url = url.to_owned();
        self
    }

    /// With this threshold in place of the check's own.
    pub(crate) fn limit(mut self, key: &'static str, value: f64) -> Self {
        self.limits.push((key, value));
        self
    }

    /// Told (not) to be a cache.
    pub(crate) fn cache(mut self, is_cache: bool) -> Self {
        self.expectations.is_cache = Some(is_cache);
        self
    }

    /// Told how many replicas there should be.
    pub(crate) fn replicas(mut self, expected: u32) -> Self {
        self.expectations.replicas = Some(expected);
        self
    }

    /// With two looks at the counters.
    pub(crate) fn window(mut self, millis: u64) -> Self {
        self.window = Some(Duration::from_millis(millis));
        self
    }

    /// All that can be seen of the server now.
    pub(crate) async fn snapshot(&self) -> Snapshot {
        let options = Options {
            sample_time: Duration::from_secs(20),
            timeout: Duration::from_secs(30),
            window: self.window,
            ..Options::default()
        };
        let target = Target::parse(&self.url).unwrap();
        let collected = collect(&target, &options).await.unwrap();
        let data = TargetData::Redis(Box::new(collected.snapshot));
        verdict::snapshot("cache", data, self.expectations.clone())
    }

    /// What the check says of a snapshot.
    pub(crate) fn judged(&self, snapshot: &Snapshot) -> Verdict {
        verdict::verdict(self.check, snapshot, &self.limits)
    }

    /// Collects and judges.
    pub(crate) async fn verdict(&self) -> Verdict {
        self.judged(&self.snapshot().await)
    }

    /// The only finding.
    pub(crate) async fn found(&self) -> Finding {
        let verdict = self.verdict().await;
        assert_eq!(verdict.findings.len(), 1, "{}: {verdict:#?}", self.check);
        let finding = verdict.findings.into_iter().next().unwrap();
        assert_eq!(finding.check, self.check);
        assert!(!finding.evidence.is_empty() && !finding.recommendation.is_empty());
        finding
    }

    /// The only finding, of that severity.
    pub(crate) async fn found_as(&self, severity: Severity) -> Finding {
        let finding = self.found().await;
        assert_eq!(finding.severity, severity, "{finding:#?}");
        finding
    }

    /// The check judged and found nothing.
    pub(crate) async fn silent(&self) {
        let verdict = self.verdict().await;
        assert!(verdict.judged && verdict.findings.is_empty(), "{}: {verdict:#?}", self.check);
    }

    /// The check finds something, and finds nothing once its fix was run. The undo then brings it back.
    pub(crate) async fn mended_and_undone(&self) -> Finding {
        let finding = self.mended().await;
        self.run(&finding.fix.as_ref().unwrap().undo);
        let again = self.found().await;
        assert_eq!(again.key, finding.key);
        finding
    }

    /// The check finds something, and finds nothing once its fix was run.
    pub(crate) async fn mended(&self) -> Finding {
        let finding = self.found().await;
        let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("no fix: {finding:#?}"));
        self.run(&fix.statements);
        self.silent().await;
        finding
    }

    /// Runs commands as a person would: pasted into `redis-cli`.
    pub(crate) fn run(&self, statements: &[String]) {
        assert!(!statements.is_empty());
        for statement in statements {
            let mut cli = Command::new("redis-cli")
                .arg("-e")
                .arg("-s")
                .arg(self.redis.socket())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap_or_else(|error| panic!("redis-cli of the package redis-tools: {error}"));
            writeln!(cli.stdin.take().unwrap(), "{statement}").unwrap();
            let output = cli.wait_with_output().unwrap();
            assert!(output.status.success(), "{statement}: {output:?}");
        }
    }
}

/// The same snapshot with another value of one field of `INFO`.
pub(crate) fn told(snapshot: &Snapshot, field: &str, value: &str) -> Snapshot {
    let mut snapshot = snapshot.clone();
    let TargetData::Redis(redis) = &mut snapshot.targets[0].data else { unreachable!() };
    let Section::Collected(info) = &mut redis.info else { panic!("{:?}", redis.info) };
    info.value.fields.insert(field.to_owned(), value.to_owned());
    snapshot
}

/// A field of `INFO`.
pub(crate) fn info(redis: &Redis, name: &str) -> String {
    let text = redis.info("everything").unwrap();
    let field = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    field.unwrap_or_else(|| panic!("INFO has no {name}")).trim().to_owned()
}

/// Asks again until a field of `INFO` satisfies; the server's own clock moves meanwhile.
pub(crate) fn until(redis: &Redis, name: &str, satisfies: impl Fn(&str) -> bool) {
    let begun = std::time::Instant::now();
    loop {
        let value = info(redis, name);
        if satisfies(&value) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{name} stays at {value}");
        std::thread::yield_now();
    }
}
