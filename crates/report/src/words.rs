//! Words for the closed sets of the report: components, verdicts, states.

use dbvitals_model::{
    Evidence, Finding, FixKind, Reason, Unit,
    report::{Metric, MetricStatus, Target, Verdict, Wanted},
};

use crate::humanize;

/// A component's name for people.
pub(crate) fn component(id: &str) -> String {
    match id {
        "redis" => "Redis".to_owned(),
        _ => capitalised(id),
    }
}

/// The first letter in upper case.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A readiness verdict.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ready => "ready for load",
        Verdict::ReadyWithReservations => "ready with reservations",
        Verdict::NotReady => "not ready",
        Verdict::Unknown => "readiness unknown",
    }
}

/// How a metric compares.
pub(crate) fn status(status: MetricStatus) -> &'static str {
    match status {
        MetricStatus::Achieved => "achieved",
        MetricStatus::Missed => "missed",
        MetricStatus::Unknown => "not measured",
    }
}

/// A wanted value: `≥ 99 %`, `≤ 100 ms`.
pub(crate) fn wanted(wanted: Wanted, unit: Unit) -> String {
    match wanted {
        Wanted::AtLeast(value) => format!("≥ {}", humanize::quantity(value, unit)),
        Wanted::AtMost(value) => format!("≤ {}", humanize::quantity(value, unit)),
    }
}

/// A measured value, or a dash.
pub(crate) fn measured(metric: &Metric) -> String {
    metric.measured.map_or_else(|| "–".to_owned(), |v| humanize::quantity(v, metric.unit))
}

/// What to call a metric.
pub(crate) fn metric_title(metric: &Metric) -> &str {
    if metric.title.is_empty() { &metric.id } else { &metric.title }
}

/// How far a fix may be trusted.
pub(crate) fn fix_kind(kind: FixKind) -> &'static str {
    match kind {
        FixKind::Safe => "safe to run as it is",
        FixKind::Review => "review before running",
        FixKind::Manual => "template: fill in before running",
    }
}

/// The class of an obstacle.
pub(crate) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Version => "server version",
        Reason::Extension => "extension missing",
        Reason::Permission => "privilege missing",
        Reason::Timeout => "out of time",
        Reason::Disabled => "switched off",
        Reason::Locked => "locked",
        Reason::NotApplicable => "does not apply",
        Reason::NotAsked => "not asked for",
        Reason::Failed => "failed",
    }
}

/// `postgres 16.9, primary`.
pub(crate) fn target_facts(target: &Target) -> String {
    let mut facts = target.kind.as_str().to_owned();
    if let Some(version) = &target.version {
        facts.push(' ');
        facts.push_str(version);
    }
    if let Some(role) = &target.role {
        facts.push_str(", ");
        facts.push_str(role);
    }
    facts
}

/// The object of a finding: `app.orders`, `app.orders.id`.
pub(crate) fn object(finding: &Finding) -> String {
    let subject = &finding.subject;
    match &subject.table {
        Some(table) if subject.kind == "column" && !subject.name.starts_with(table.as_str()) => {
            format!("{table}.{}", subject.name)
        }
        _ => subject.name.clone(),
    }
}

/// Where the object of a finding lives: `pg-main/app`.
pub(crate) fn location(finding: &Finding) -> String {
    match &finding.subject.database {
        Some(database) => format!("{}/{database}", finding.target),
        None => finding.target.clone(),
    }
}

/// The threshold of a measurement, if it was held against one.
pub(crate) fn threshold(evidence: &Evidence) -> Option<String> {
    evidence.threshold.as_ref().map(|value| humanize::measure(value, evidence.unit))
}

/// The language of a finding's statements, for highlighting: checks of PostgreSQL mend with SQL
/// unless the statement says otherwise.
pub(crate) fn language(finding: &Finding) -> &'static str {
    let ends_like_sql = finding
        .fix
        .iter()
        .flat_map(|fix| &fix.statements)
        .all(|statement| statement.trim_end().ends_with(';'));
    if finding.fix.is_some() && ends_like_sql { "sql" } else { "sh" }
}
