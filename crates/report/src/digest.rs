//! What every renderer asks of a report: groups, counts, points, changes, obstacles, costs.

use std::collections::BTreeMap;

use dbvitals_model::{
    Finding, Reason, Severity, TargetKind,
    report::{ComponentScore, Metric, MetricStatus, Report, SectionState, Target},
};

use crate::{humanize, statement::has_health};

/// All findings of one check with the same severity.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) severity: Severity,
    pub(crate) check: &'a str,
    pub(crate) findings: Vec<&'a Finding>,
}

/// Findings by severity and check, worst first; inside a severity in the report's own order.
pub(crate) fn groups(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for severity in Severity::WORST_FIRST {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in report.findings.iter().filter(|f| f.severity == severity) {
            let place = *places.entry(&finding.check).or_insert_with(|| {
                groups.push(Group { severity, check: &finding.check, findings: Vec::new() });
                groups.len() - 1
            });
            groups[place].findings.push(finding);
        }
    }
    groups
}

/// Number of findings of a severity.
pub(crate) fn count(report: &Report, severity: Severity) -> usize {
    report.findings.iter().filter(|f| f.severity == severity).count()
}

/// `3 critical`, `12 warnings`, `1 info`.
pub(crate) fn counted(count: usize, severity: Severity) -> String {
    match severity {
        Severity::Critical => humanize::plural(count, "critical", "critical"),
        Severity::Warning => humanize::plural(count, "warning", "warnings"),
        Severity::Info => humanize::plural(count, "info", "info"),
    }
}

/// `3 critical · 12 warnings · 8 info`, without the ones that are zero; `no findings` if all are.
pub(crate) fn counts(report: &Report) -> String {
    let parts: Vec<String> = Severity::WORST_FIRST
        .into_iter()
        .map(|severity| (severity, count(report, severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| counted(count, severity))
        .collect();
    if parts.is_empty() { "no findings".to_owned() } else { parts.join(" · ") }
}

/// Points of the score lost by finding key; none where there is no score.
pub(crate) fn points(report: &Report) -> BTreeMap<&str, f64> {
    let mut points: BTreeMap<&str, f64> = BTreeMap::new();
    if !has_health(report) {
        return points;
    }
    for deduction in report.score.components.iter().flat_map(|c| &c.deductions) {
        *points.entry(&deduction.finding).or_default() += deduction.points;
    }
    points
}

/// What happened to a finding since the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    New,
    Worse,
    Better,
}

impl Change {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Worse => "worse",
            Self::Better => "better",
        }
    }
}

/// Changes since the baseline by finding key; empty without a baseline.
pub(crate) fn changes(report: &Report) -> BTreeMap<&str, Change> {
    let mut changes = BTreeMap::new();
    if let Some(baseline) = &report.baseline {
        let lists = [
            (&baseline.new, Change::New),
            (&baseline.worse, Change::Worse),
            (&baseline.better, Change::Better),
        ];
        for (keys, change) in lists {
            changes.extend(keys.iter().map(|key| (key.as_str(), change)));
        }
    }
    changes
}

/// Findings by key, the ignored ones included.
pub(crate) fn by_key(report: &Report) -> BTreeMap<&str, &Finding> {
    let ignored = report.ignored.iter().map(|i| &i.finding);
    report.findings.iter().chain(ignored).map(|f| (f.key.as_str(), f)).collect()
}

/// Whether nothing of the target could be read. A machine has neither version nor role.
pub(crate) fn is_unreachable(target: &Target) -> bool {
    !matches!(target.kind, TargetKind::Host | TargetKind::Statement | TargetKind::Log)
        && target.version.is_none()
        && target.role.is_none()
        && !target.problems.is_empty()
}

/// Checks that one obstacle keeps from running.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Obstacle<'a> {
    pub(crate) target: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) class: Reason,
    pub(crate) remedy: Option<&'a str>,
    pub(crate) checks: Vec<&'a str>,
    pub(crate) parts: Vec<&'a str>,
}

/// Skipped checks by what would open them: those with a remedy first, the most checks first; what
/// does not apply to the target comes last.
pub(crate) fn obstacles(report: &Report) -> Vec<Obstacle<'_>> {
    let mut obstacles: Vec<Obstacle<'_>> = Vec::new();
    for skipped in &report.coverage.skipped {
        let remedy = skipped.remedy.as_deref();
        let same = obstacles.iter_mut().find(|o| {
            o.target == skipped.target && o.remedy == remedy && o.reason == skipped.reason
        });
        let obstacle = if let Some(obstacle) = same {
            obstacle
        } else {
            obstacles.push(Obstacle {
                target: &skipped.target,
                reason: &skipped.reason,
                class: skipped.class,
                remedy,
                checks: Vec::new(),
                parts: Vec::new(),
            });
            let last = obstacles.len() - 1;
            &mut obstacles[last]
        };
        if !obstacle.checks.contains(&skipped.check.as_str()) {
            obstacle.checks.push(&skipped.check);
        }
        if let Some(part) = skipped.part.as_deref()
            && !obstacle.parts.contains(&part)
        {
            obstacle.parts.push(part);
        }
    }
    obstacles.sort_by_key(|o| {
        (o.class == Reason::NotApplicable, o.remedy.is_none(), usize::MAX - o.checks.len())
    });
    obstacles
}

/// Whether statements were judged by their text alone: no check ran, none could be made to, and the statements say that no server
/// was asked.
pub(crate) fn is_by_text(report: &Report) -> bool {
    !has_health(report)
        && report.coverage.checked.is_empty()
        && report.findings.is_empty()
        && report.ignored.is_empty()
        && !report.coverage.skipped.is_empty()
        && report.coverage.skipped.iter().all(|s| s.class == Reason::NotApplicable)
}

/// Sections that lack something which no obstacle tells already.
pub(crate) fn gaps(report: &Report) -> impl Iterator<Item = &SectionState> {
    let is_told = |section: &SectionState| {
        let note = section.note.as_deref();
        let skipped = report.coverage.skipped.iter();
        let open = skipped.filter(|s| s.class != Reason::NotApplicable);
        open.into_iter().any(|s| s.target == section.target && Some(s.reason.as_str()) == note)
    };
    report.coverage.sections.iter().filter(move |s| s.note.is_some() && !is_told(s))
}

/// Checks of the report: how many distinct ones ran, and how many could not, wholly or in part.
pub(crate) fn checks_run(report: &Report) -> (usize, usize) {
    let ran: std::collections::BTreeSet<_> =
        report.coverage.checked.iter().map(|c| (&c.target, &c.check)).collect();
    let not: std::collections::BTreeSet<_> = report
        .coverage
        .skipped
        .iter()
        .filter(|s| s.class != Reason::NotApplicable)
        .map(|s| (&s.target, &s.check))
        .collect();
    (ran.len(), not.len())
}

/// What reading cost the servers, over all collectors.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) elapsed_ms: f64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) collectors: usize,
    /// Indexes into the report's cost list, dearest first.
    pub(crate) dearest: Vec<usize>,
}

/// Sums the cost and orders the collectors.
pub(crate) fn cost(report: &Report) -> Cost {
    let mut dearest: Vec<usize> = (0..report.cost.len()).collect();
    dearest.sort_by(|a, b| report.cost[*b].elapsed_ms.total_cmp(&report.cost[*a].elapsed_ms));
    Cost {
        elapsed_ms: report.cost.iter().map(|c| c.elapsed_ms).sum(),
        rows: report.cost.iter().map(|c| c.rows).sum(),
        bytes: report.cost.iter().map(|c| c.bytes).sum(),
        collectors: report.cost.len(),
        dearest,
    }
}

/// Where a fix runs: `database app of pg-main`, or the target alone.
pub(crate) fn place(finding: &Finding) -> String {
    match database(finding) {
        Some(database) => format!("database {database} of {}", finding.target),
        // Such a target is a statement: it runs where it was planned.
        None if matches!(finding.subject.kind.as_str(), "node" | "plan") => {
            "the database it was planned in".to_owned()
        }
        None => finding.target.clone(),
    }
}

/// The database a finding lives in, if it lives in one.
pub(crate) fn database(finding: &Finding) -> Option<&str> {
    let subject = &finding.subject;
    match &subject.database {
        Some(database) => Some(database),
        None if subject.kind == "database" => Some(&subject.name),
        None => None,
    }
}

/// Lock, what it blocks and whether it can be undone, as one sentence fragment.
pub(crate) fn fix_terms(fix: &dbvitals_model::Fix) -> String {
    let lock = if fix.lock == "none" || fix.lock.is_empty() {
        "takes no lock".to_owned()
    } else {
        format!("takes {}, blocks {}", fix.lock, fix.blocks)
    };
    let blocks = if fix.lock == "none" && fix.blocks != "nothing" && !fix.blocks.is_empty() {
        format!(", blocks {}", fix.blocks)
    } else {
        String::new()
    };
    let undo = match (fix.reversible, fix.undo.is_empty()) {
        (true, false) => "can be undone",
        (true, true) => "changes nothing that needs undoing",
        (false, false) => "can be undone in part",
        (false, true) => "cannot be undone",
    };
    format!("{lock}{blocks}; {undo}")
}

/// Earlier and present overall score: `58 → 61 (+3)`.
pub(crate) fn score_change(before: f64, now: f64) -> String {
    let (before, now) = (before.floor(), now.floor());
    let sign = if now > before {
        "+"
    } else if now < before {
        "−"
    } else {
        "±"
    };
    format!(
        "{} → {} ({sign}{})",
        humanize::score(before),
        humanize::score(now),
        humanize::score((now - before).abs())
    )
}

/// What keeps the overall score below the mean of its components, if anything does.
pub(crate) fn cap(report: &Report) -> Option<String> {
    let cap = report.score.capped_by.as_deref()?;
    Some(match by_key(report).get(cap) {
        Some(finding) => format!("{}: {}", finding.target, finding.message),
        None => cap.to_owned(),
    })
}

/// Metrics, missed ones first, else in the report's order.
pub(crate) fn metrics(report: &Report) -> Vec<&Metric> {
    let mut metrics: Vec<&Metric> = report.metrics.iter().collect();
    metrics.sort_by_key(|m| match m.status {
        MetricStatus::Missed => 0,
        MetricStatus::Achieved => 1,
        MetricStatus::Unknown => 2,
    });
    metrics
}

/// What changed since the baseline, in words, by kind of change: `new`, `worse`, `better`, `fixed`,
/// `not looked at again`. Empty without a baseline.
pub(crate) fn change_lists(report: &Report) -> Vec<(&'static str, Vec<String>)> {
    let Some(baseline) = &report.baseline else { return Vec::new() };
    let findings = by_key(report);
    let said = |finding: &Finding| format!("{}: {}", finding.target, finding.message);
    let of_keys = |keys: &[String]| -> Vec<String> {
        keys.iter()
            .map(|k| findings.get(k.as_str()).map_or_else(|| k.clone(), |f| said(f)))
            .collect()
    };
    vec![
        ("new", of_keys(&baseline.new)),
        ("worse", of_keys(&baseline.worse)),
        ("better", of_keys(&baseline.better)),
        ("fixed", baseline.fixed.iter().map(said).collect()),
        ("not looked at again", baseline.unknown.clone()),
    ]
}

/// Points a component lost by check with the number of findings, dearest first.
pub(crate) fn points_by_check<'a>(
    report: &'a Report,
    component: &'a ComponentScore,
) -> Vec<(&'a str, f64, usize)> {
    let findings = by_key(report);
    let mut sums: Vec<(&str, f64, usize)> = Vec::new();
    for deduction in &component.deductions {
        let check = findings.get(deduction.finding.as_str()).map_or_else(
            || deduction.finding.split('@').next().unwrap_or_default(),
            |finding| finding.check.as_str(),
        );
        match sums.iter_mut().find(|(known, ..)| *known == check) {
            Some((_, points, count)) => {
                *points += deduction.points;
                *count += 1;
            }
            None => sums.push((check, deduction.points, 1)),
        }
    }
    sums.sort_by(|a, b| b.1.total_cmp(&a.1));
    sums
}

/// `189 ms on the servers in 8 readings: 20 571 rows, 3.1 MB.`
pub(crate) fn cost_sentence(cost: &Cost) -> String {
    format!(
        "{} on the servers in {}: {}, {}.",
        humanize::duration_ms(cost.elapsed_ms),
        humanize::plural(cost.collectors, "reading", "readings"),
        humanize::plural(usize::try_from(cost.rows).unwrap_or(usize::MAX), "row", "rows"),
        humanize::bytes(cost.bytes as f64)
    )
}

/// Whether a remedy is meant to be pasted rather than read.
pub(crate) fn is_command(remedy: &str) -> bool {
    const STARTS: [&str; 10] = [
        "GRANT ",
        "ALTER ",
        "CREATE ",
        "SET ",
        "SELECT ",
        "CONFIG ",
        "ACL ",
        "dbvitals ",
        "sudo ",
        "psql ",
    ];
    let first = remedy.trim_start();
    !first.contains('\n') && STARTS.iter().any(|start| first.starts_with(start))
}
