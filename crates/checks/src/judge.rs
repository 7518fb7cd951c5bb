//! Runs every check over a snapshot and assembles the report.

use std::cell::RefCell;

use dbvitals_model::{
    Finding, ServerVersion, Severity, Snapshot, TargetData, TargetSnapshot, Unavailable,
    report::{
        Checked, Coverage, Ignored, Report, SCHEMA_VERSION, SectionState, Skipped, Target, Tool,
    },
};
use jiff::tz::TimeZone;

use crate::{
    analysed,
    check::{Check, Run},
    cluster,
    context::Context,
    metrics, overview, plan,
    registry::CHECKS,
    score,
    settings::{IgnoreRule, Settings},
    skip::{Judged, Skip},
    standby_findings,
    view::{self, HostView, LogView, PgView, PoolerView, Reads, RedisView, StatementView},
};

/// Judges a snapshot: same snapshot and settings, same report, byte for byte.
pub fn judge(snapshot: &Snapshot, settings: &Settings) -> Report {
    let mut ledger = Ledger::default();
    for target in &snapshot.targets {
        for check in CHECKS {
            if settings.is_enabled(check, &target.name) {
                ledger.file(check, target, run(check, snapshot, target, settings));
            }
        }
    }
    standby_findings::settle(&mut ledger.findings, &mut ledger.checked, snapshot);
    plan::settled::settle(&mut ledger.findings, &mut ledger.checked);
    let (findings, ignored) = set_aside(ledger.findings, snapshot, settings);
    let mut findings = findings;
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.key.cmp(&b.key)));
    let coverage =
        Coverage { checked: ledger.checked, skipped: ledger.skipped, sections: sections(snapshot) };
    let score = score::score(&findings, &coverage, snapshot);
    let statements = analysed::analysed(snapshot, &findings);
    let readiness = score::readiness(&score, &findings, snapshot);
    Report {
        schema_version: SCHEMA_VERSION,
        generated_at: snapshot.taken_at,
        tool: Tool { name: "dbvitals".to_owned(), version: snapshot.tool_version.clone() },
        targets: snapshot.targets.iter().map(|target| target_of(snapshot, target)).collect(),
        clusters: cluster::clusters(snapshot, settings),
        score,
        readiness,
        metrics: metrics::metrics(snapshot),
        findings,
        ignored,
        coverage,
        cost: snapshot.targets.iter().flat_map(|target| target.cost.clone()).collect(),
        overview: overview::overview(snapshot, settings),
        baseline: None,
        statements,
    }
}

/// What one check said of one target: the judgement of each part it looked at.
#[derive(Debug)]
pub struct Verdicts(pub Vec<(Option<String>, Judged)>);

/// Runs one check on one target; `None` where it is meant for another kind of target.
pub fn run(
    check: &'static Check,
    snapshot: &Snapshot,
    target: &TargetSnapshot,
    settings: &Settings,
) -> Option<Verdicts> {
    let reads = Reads::default();
    run_recording(check, snapshot, target, settings, &reads)
}

pub(crate) fn run_recording(
    check: &'static Check,
    snapshot: &Snapshot,
    target: &TargetSnapshot,
    settings: &Settings,
    reads: &RefCell<std::collections::BTreeSet<&'static str>>,
) -> Option<Verdicts> {
    let context = Context::new(check, settings, &target.name);
    let fits = |version: ServerVersion| {
        if check.applies_to(version.major) {
            Ok(())
        } else {
            Err(Skip(Unavailable {
                reason: dbvitals_model::Reason::Version,
                detail: format!("does not apply to version {version}"),
                remedy: None,
            }))
        }
    };
    let whole = |judged: Judged| Verdicts(vec![(None, judged)]);
    match check.run {
        Run::Postgres(judge) => {
            let view = PgView::of(snapshot, target, reads)?;
            Some(whole(fits(view.server().version).and_then(|()| judge(&view, &context))))
        }
        Run::Database(judge) => {
            let view = PgView::of(snapshot, target, reads)?;
            if let Err(skip) = fits(view.server().version) {
                return Some(whole(Err(skip)));
            }
            let parts: Vec<_> = view
                .by_database()
                .map(|database| (Some(database.name().to_owned()), judge(&database, &context)))
                .collect();
            Some(if parts.is_empty() {
                whole(Err(Skip::not_applicable("no user database was examined")))
            } else {
                Verdicts(parts)
            })
        }
        Run::Redis(judge) => {
            let view = RedisView::of(snapshot, target, reads)?;
            Some(whole(fits(view.server().version).and_then(|()| judge(&view, &context))))
        }
        Run::Pooler(judge) => {
            let view = PoolerView::of(snapshot, target, reads)?;
            Some(whole(judge(&view, &context)))
        }
        Run::Host(judge) => {
            let view = HostView::of(snapshot, target, reads)?;
            Some(whole(judge(&view, &context)))
        }
        Run::Statement(judge) => {
            let view = StatementView::of(snapshot, target, reads)?;
            let version = view.server().map(|server| server.version);
            Some(whole(version.map_or(Ok(()), fits).and_then(|()| judge(&view, &context))))
        }
        Run::Log(judge) => {
            let view = LogView::of(snapshot, target, reads)?;
            Some(whole(judge(&view, &context)))
        }
    }
}

/// What has been said so far.
#[derive(Default)]
struct Ledger {
    findings: Vec<Finding>,
    checked: Vec<Checked>,
    skipped: Vec<Skipped>,
}

impl Ledger {
    fn file(&mut self, check: &Check, target: &TargetSnapshot, verdicts: Option<Verdicts>) {
        let Some(Verdicts(parts)) = verdicts else { return };
        let mut found = None;
        for (part, judged) in parts {
            match judged {
                Ok(mut findings) => {
                    *found.get_or_insert(0) += findings.len();
                    self.findings.append(&mut findings);
                }
                Err(Skip(why)) => self.skipped.push(Skipped {
                    check: check.id.to_owned(),
                    target: target.name.clone(),
                    part,
                    reason: why.detail,
                    class: why.reason,
                    remedy: why.remedy,
                }),
            }
        }
        if let Some(findings) = found {
            let check = check.id.to_owned();
            self.checked.push(Checked { check, target: target.name.clone(), findings });
        }
    }
}

fn set_aside(
    findings: Vec<Finding>,
    snapshot: &Snapshot,
    settings: &Settings,
) -> (Vec<Finding>, Vec<Ignored>) {
    let today = snapshot.taken_at.to_zoned(TimeZone::UTC).date();
    let holds = |rule: &IgnoreRule| rule.until.is_none_or(|until| today <= until);
    let mut kept = Vec::new();
    let mut ignored = Vec::new();
    for finding in findings {
        match settings.ignore.iter().find(|rule| holds(rule) && rule.matches(&finding)) {
            None => kept.push(finding),
            Some(rule) => ignored.push(Ignored {
                finding,
                reason: rule.reason.clone(),
                until: rule.until.map(|date| date.to_string()),
            }),
        }
    }
    (kept, ignored)
}

impl IgnoreRule {
    /// Whether the rule speaks of this finding.
    pub fn matches(&self, finding: &Finding) -> bool {
        let subject = &finding.subject;
        let full = subject.database.as_ref().map(|db| format!("{db}.{}", subject.name));
        self.check.matches(&finding.check)
            && self.target.as_ref().is_none_or(|pattern| pattern.matches(&finding.target))
            && self.subject.as_ref().is_none_or(|pattern| {
                pattern.matches(&subject.name)
                    || full.as_ref().is_some_and(|name| pattern.matches(name))
            })
    }
}

fn target_of(snapshot: &Snapshot, target: &TargetSnapshot) -> Target {
    let (version, role) = match &target.data {
        TargetData::Postgres(pg) => (
            Some(pg.server.version.to_string()),
            Some(if pg.server.in_recovery { "standby" } else { "primary" }.to_owned()),
        ),
        TargetData::Redis(redis) => (
            Some(redis.server.version.to_string()),
            Some(if redis.server.role == "slave" { "replica" } else { "master" }.to_owned()),
        ),
        TargetData::Pooler(pooler) => (Some(pooler.version.to_string()), None),
        TargetData::Statement(statement) => {
            (statement.server.as_ref().map(|server| server.version.to_string()), None)
        }
        TargetData::Log(_) | TargetData::Host(_) | TargetData::Unreachable { .. } => (None, None),
    };
    let mut problems = target.problems.clone();
    if let TargetData::Unreachable { why, .. } = &target.data {
        problems.push(match &why.remedy {
            Some(remedy) => format!("{}; {remedy}", why.detail),
            None => why.detail.clone(),
        });
    }
    Target {
        name: target.name.clone(),
        kind: target.data.kind(),
        version,
        role,
        endpoint: target.endpoint.clone(),
        problems,
        offered: cluster::offered(snapshot, target),
    }
}

/// The state of every section of every target that was reached.
fn sections(snapshot: &Snapshot) -> Vec<SectionState> {
    let reads = Reads::default();
    let mut states = Vec::new();
    for target in &snapshot.targets {
        let mut file = |name: String, state: view::SectionState<'_>| {
            let (collected, note) = match state {
                Ok(gaps) => (true, gaps.first()),
                Err(why) => (false, Some(why)),
            };
            let note = note.map(|why| why.detail.clone());
            states.push(SectionState {
                target: target.name.clone(),
                section: name,
                collected,
                note,
            });
        };
        if let Some(pg) = PgView::of(snapshot, target, &reads) {
            pg.states().into_iter().for_each(|(name, state)| file(name.to_owned(), state));
            for database in pg.by_database() {
                for (name, state) in database.states() {
                    file(format!("{name}@{}", database.name()), state);
                }
            }
        } else if let Some(redis) = RedisView::of(snapshot, target, &reads) {
            redis.states().into_iter().for_each(|(name, state)| file(name.to_owned(), state));
        } else if let Some(pooler) = PoolerView::of(snapshot, target, &reads) {
            pooler.states().into_iter().for_each(|(name, state)| file(name.to_owned(), state));
        } else if let Some(host) = HostView::of(snapshot, target, &reads) {
            host.states().into_iter().for_each(|(name, state)| file(name.to_owned(), state));
        } else if let Some(statement) = StatementView::of(snapshot, target, &reads) {
            statement.states().into_iter().for_each(|(name, state)| file(name.to_owned(), state));
        } else if let Some(log) = LogView::of(snapshot, target, &reads) {
            log.states().into_iter().for_each(|(name, state)| file(name.to_owned(), state));
        }
    }
    states
}

/// The worst severity among findings.
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}
