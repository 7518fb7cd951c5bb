//! What changed since an earlier report.

use std::collections::BTreeMap;

use dbvitals_model::{
    Finding, Measure,
    report::{Comparison, Report},
};

/// Relative change of the leading measurement from which a finding counts as worse or better: below a
/// tenth, two looks at the same state differ by themselves.
const NOTABLE_CHANGE: f64 = 0.1;

/// Compares a report with an earlier one of the same targets.
///
/// A finding that is gone counts as fixed only if its check ran on its target this time.
pub fn compare(before: &Report, now: &Report) -> Comparison {
    let earlier: BTreeMap<&str, &Finding> = by_key(before);
    let present: BTreeMap<&str, &Finding> = by_key(now);
    let mut comparison = Comparison {
        baseline_at: Some(before.generated_at),
        overall_before: before.score.overall,
        ..Comparison::default()
    };
    for finding in &now.findings {
        let Some(then) = earlier.get(finding.key.as_str()) else {
            comparison.new.push(finding.key.clone());
            continue;
        };
        match tendency(then, finding) {
            Tendency::Worse => comparison.worse.push(finding.key.clone()),
            Tendency::Better => comparison.better.push(finding.key.clone()),
            Tendency::Same => {}
        }
    }
    let set_aside = |key: &str| now.ignored.iter().any(|ignored| ignored.finding.key == key);
    for finding in before.findings.iter().filter(|f| !present.contains_key(f.key.as_str())) {
        if set_aside(&finding.key) {
            continue;
        }
        if ran(now, finding) {
            comparison.fixed.push(finding.clone());
        } else {
            comparison.unknown.push(finding.key.clone());
        }
    }
    comparison
}

fn by_key(report: &Report) -> BTreeMap<&str, &Finding> {
    report.findings.iter().map(|finding| (finding.key.as_str(), finding)).collect()
}

/// Whether the check behind an earlier finding looked at the same part this time.
fn ran(now: &Report, finding: &Finding) -> bool {
    let here = |check: &str, target: &str| check == finding.check && target == finding.target;
    let checked = now.coverage.checked.iter().any(|c| here(&c.check, &c.target));
    let missed = now.coverage.skipped.iter().any(|skip| {
        let part = skip.part.as_deref();
        here(&skip.check, &skip.target)
            && (part.is_none() || part == finding.subject.database.as_deref())
    });
    checked && !missed
}

enum Tendency {
    Worse,
    Better,
    Same,
}

fn tendency(then: &Finding, now: &Finding) -> Tendency {
    if now.severity != then.severity {
        return if now.severity > then.severity { Tendency::Worse } else { Tendency::Better };
    }
    let Some((old, new, threshold)) = leading(then, now) else { return Tendency::Same };
    let change = (new - old) / old.abs().max(f64::EPSILON);
    // A finding fires on the bad side of its threshold, which tells which direction is bad.
    let bad_is_high = new >= threshold;
    if change.abs() < NOTABLE_CHANGE {
        Tendency::Same
    } else if (change > 0.0) == bad_is_high {
        Tendency::Worse
    } else {
        Tendency::Better
    }
}

/// The first measurement that has a threshold and is in both: old value, new value, threshold.
fn leading(then: &Finding, now: &Finding) -> Option<(f64, f64, f64)> {
    now.evidence.iter().find_map(|evidence| {
        let Some(Measure::Number(threshold)) = evidence.threshold else { return None };
        let Measure::Number(new) = evidence.value else { return None };
        let old = then.evidence.iter().find(|e| e.label == evidence.label)?;
        match old.value {
            Measure::Number(old) => Some((old, new, threshold)),
            Measure::Text(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Evidence, Severity, Snapshot, Subject, Unit, report::Checked};

    use super::*;
    use crate::{Settings, judge, testing};

    fn report(findings: Vec<Finding>) -> Report {
        let empty: Snapshot = testing::snapshot(Vec::new());
        let mut report = judge(&empty, &Settings::default());
        report.coverage.checked = vec![Checked {
            check: "pg-unused-index".into(),
            target: "main".into(),
            findings: findings.len(),
        }];
        report.findings = findings;
        report
    }

    fn finding(name: &str, severity: Severity, size: f64) -> Finding {
        let subject = Subject::within("index", "app", name);
        Finding {
            key: Finding::key_of("pg-unused-index", "main", &subject),
            check: "pg-unused-index".into(),
            severity,
            target: "main".into(),
            subject,
            message: String::new(),
            evidence: vec![Evidence::new("size", size, Unit::Bytes, "x").against(100.0)],
            recommendation: String::new(),
            fix: None,
            impact: None,
        }
    }

    #[test]
    fn tells_new_fixed_worse_and_better_apart() {
        use Severity::{Critical, Warning};
        let before = report(vec![
            finding("gone", Warning, 200.0),
            finding("grew", Warning, 200.0),
            finding("shrank", Warning, 200.0),
            finding("same", Warning, 200.0),
            finding("rose", Warning, 200.0),
        ]);
        let now = report(vec![
            finding("grew", Warning, 221.0),
            finding("shrank", Warning, 179.0),
            finding("same", Warning, 219.0),
            finding("rose", Critical, 200.0),
            finding("new", Warning, 200.0),
        ]);
        let compared = compare(&before, &now);
        assert_eq!(compared.new, ["pg-unused-index@main/index:app.new"]);
        assert_eq!(compared.fixed.len(), 1);
        assert_eq!(compared.fixed[0].subject.name, "gone");
        let names = |keys: &[String]| {
            keys.iter().map(|k| k.rsplit('.').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&compared.worse), ["grew", "rose"]);
        assert_eq!(names(&compared.better), ["shrank"]);
        assert!(compared.unknown.is_empty());
    }

    #[test]
    fn a_finding_whose_check_did_not_run_is_not_fixed() {
        let before = report(vec![finding("gone", Severity::Warning, 200.0)]);
        let mut now = report(Vec::new());
        now.coverage.checked.clear();
        let compared = compare(&before, &now);
        assert!(compared.fixed.is_empty());
        assert_eq!(compared.unknown, ["pg-unused-index@main/index:app.gone"]);
    }
}
