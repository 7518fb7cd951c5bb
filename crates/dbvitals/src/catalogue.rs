//! The catalogue as renderers want it: documentation apart from judgement.

use dbvitals_checks::{Check, Run, registry};
use dbvitals_report::{CheckDoc, ThresholdDoc};

/// The documentation of every check.
pub(crate) fn docs() -> Vec<CheckDoc> {
    registry::CHECKS.iter().map(|check| doc(check)).collect()
}

/// The documentation of one check.
pub(crate) fn doc(check: &Check) -> CheckDoc {
    let thresholds = check.thresholds.iter().map(|threshold| ThresholdDoc {
        key: threshold.key.to_owned(),
        unit: threshold.unit,
        default: threshold.default,
        strict: threshold.strict,
        min: threshold.range.0,
        max: threshold.range.1,
        why: threshold.why.to_owned(),
    });
    CheckDoc {
        id: check.id.to_owned(),
        title: check.title.to_owned(),
        topic: check.topic.as_str().to_owned(),
        engine: match check.run {
            Run::Postgres(_) | Run::Database(_) => "postgres",
            Run::Redis(_) => "redis",
            Run::Pooler(_) => "pooler",
            Run::Host(_) => "host",
            Run::Statement(_) => "statement",
            Run::Log(_) => "log",
        }
        .to_owned(),
        severity: check.severity,
        component: check.component.as_str().to_owned(),
        versions: versions(check),
        needs: check.needs.iter().map(|&section| section.to_owned()).collect(),
        fix: check.fix,
        thresholds: thresholds.collect(),
        explain: check.explain.to_owned(),
    }
}

fn versions(check: &Check) -> String {
    match check.versions {
        (0 | 6 | 13, u32::MAX) => String::new(),
        (since, u32::MAX) => format!("{since} and later"),
        (0 | 6 | 13, until) => format!("up to {until}"),
        (since, until) => format!("{since} to {until}"),
    }
}
