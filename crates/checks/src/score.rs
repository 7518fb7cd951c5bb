//! The health score: from findings to points, letters and a verdict.
//!
//! Every lost point belongs to a finding. Findings of one check on one target lose less and less (the
//! second half as much as the first, and so on), since fifty unused indexes are one habit, not fifty
//! problems. The sum is monotone: taking any finding away, or making it milder, never lowers a score.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::{
    Finding, Reason, Severity, Snapshot, TargetData,
    report::{ComponentScore, Coverage, Deduction, Readiness, Score, Verdict},
};

use crate::{check::Component, registry::CHECKS};

/// Points the first finding of a check costs its component. Three critical problems empty a
/// component; about eight different warnings do; information costs next to nothing.
fn points(severity: Severity) -> f64 {
    match severity {
        Severity::Critical => 35.0,
        Severity::Warning => 12.0,
        Severity::Info => 1.0,
    }
}

/// What each further finding of the same check costs, relative to the one before.
const DECAY: f64 = 0.5;

/// The best overall score while something critical is open: no system with its data or availability
/// at risk is a good one, however well the rest is kept.
const CAP_CRITICAL: f64 = 69.0;

/// Share of the overall score, by what an outage of that kind costs: being unable to connect or to
/// recover weighs more than a setting out of tune.
fn weight(component: Component) -> f64 {
    match component {
        Component::Connections | Component::Queries | Component::Replication => 1.5,
        Component::Transactions | Component::Maintenance | Component::Security => 1.25,
        Component::Indexes | Component::Cache | Component::Host | Component::Redis => 1.0,
        Component::Configuration => 0.75,
    }
}

/// Scores findings against what was examined.
pub fn score(findings: &[Finding], coverage: &Coverage, snapshot: &Snapshot) -> Score {
    let component_of: BTreeMap<&str, Component> =
        CHECKS.iter().map(|check| (check.id, check.component)).collect();
    let examined = Examined::of(coverage, &component_of);
    let mut components = Vec::new();
    for component in Component::ALL {
        let Some(confidence) = examined.confidence(component) else { continue };
        let own: Vec<&Finding> = findings
            .iter()
            .filter(|finding| component_of.get(finding.check.as_str()) == Some(&component))
            .collect();
        let deductions = deductions(&own);
        let lost: f64 = deductions.iter().map(|deduction| deduction.points).sum();
        let score = tenth((100.0 - lost).max(0.0));
        components.push(ComponentScore {
            id: component.as_str().to_owned(),
            score,
            grade: grade(score).to_owned(),
            confidence,
            deductions,
        });
    }
    overall(components, findings, examined.total(), snapshot)
}

fn overall(
    components: Vec<ComponentScore>,
    findings: &[Finding],
    confidence: f64,
    snapshot: &Snapshot,
) -> Score {
    let weights: BTreeMap<&str, f64> =
        Component::ALL.iter().map(|c| (c.as_str(), weight(*c))).collect();
    let weight_of = |c: &ComponentScore| weights.get(c.id.as_str()).copied().unwrap_or(1.0);
    let total: f64 = components.iter().map(weight_of).sum();
    let mean = if total > 0.0 {
        components.iter().map(|c| c.score * weight_of(c)).sum::<f64>() / total
    } else {
        0.0
    };
    let critical = findings.iter().find(|finding| finding.severity == Severity::Critical);
    let capped = critical.filter(|_| mean > CAP_CRITICAL);
    let overall = tenth(if capped.is_some() { CAP_CRITICAL } else { mean });
    let reached = snapshot.targets.iter().filter(|target| is_reached(&target.data)).count();
    let share = reached as f64 / snapshot.targets.len().max(1) as f64;
    Score {
        overall,
        grade: if total > 0.0 { grade(overall) } else { UNKNOWN }.to_owned(),
        confidence: hundredth(confidence * share),
        capped_by: capped.map(|finding| finding.key.clone()),
        components,
    }
}

/// Points lost to each finding; scaled down together when they exceed what there is to lose.
fn deductions(findings: &[&Finding]) -> Vec<Deduction> {
    let mut sorted = findings.to_vec();
    sorted.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.key.cmp(&b.key)));
    let mut seen: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    let mut raw = Vec::with_capacity(sorted.len());
    for finding in sorted {
        let nth = seen.entry((&finding.check, &finding.target)).or_insert(0);
        raw.push((finding, points(finding.severity) * DECAY.powi(*nth)));
        *nth += 1;
    }
    let total: f64 = raw.iter().map(|(_, points)| points).sum();
    let scale = if total > 100.0 { 100.0 / total } else { 1.0 };
    raw.into_iter()
        .map(|(finding, points)| Deduction { finding: finding.key.clone(), points: points * scale })
        .collect()
}

/// Which checks ran and which left a gap, by component.
struct Examined(BTreeMap<Component, (f64, f64)>);

impl Examined {
    fn of(coverage: &Coverage, component_of: &BTreeMap<&str, Component>) -> Self {
        let mut counts: BTreeMap<Component, (f64, f64)> = BTreeMap::new();
        let mut partial: BTreeSet<(&str, &str)> = BTreeSet::new();
        for skip in coverage.skipped.iter().filter(|skip| is_gap(skip.class)) {
            partial.insert((&skip.check, &skip.target));
        }
        for ran in &coverage.checked {
            let Some(component) = component_of.get(ran.check.as_str()) else { continue };
            let (done, all) = counts.entry(*component).or_default();
            let is_partial = partial.remove(&(ran.check.as_str(), ran.target.as_str()));
            *done += if is_partial { 0.5 } else { 1.0 };
            *all += 1.0;
        }
        for (check, _) in partial {
            if let Some(component) = component_of.get(check) {
                counts.entry(*component).or_default().1 += 1.0;
            }
        }
        Self(counts)
    }

    /// `None` where nothing of the component was examined.
    fn confidence(&self, component: Component) -> Option<f64> {
        let (done, all) = self.0.get(&component)?;
        (*done > 0.0).then(|| hundredth(done / all))
    }

    fn total(&self) -> f64 {
        let (done, all) =
            self.0.values().fold((0.0, 0.0), |sum, (done, all)| (sum.0 + done, sum.1 + all));
        if all > 0.0 { done / all } else { 0.0 }
    }
}

/// Whether a skip leaves something unknown, rather than a question that does not arise.
pub fn is_gap(class: Reason) -> bool {
    !matches!(class, Reason::NotApplicable | Reason::Version | Reason::NotAsked)
}

fn is_reached(data: &TargetData) -> bool {
    !matches!(data, TargetData::Unreachable { .. })
}

/// The grade of a system of which nothing could be examined: unknown is neither good nor bad.
const UNKNOWN: &str = "?";

/// The letter of a score.
pub fn grade(score: f64) -> &'static str {
    match score {
        s if s >= 97.0 => "A+",
        s if s >= 93.0 => "A",
        s if s >= 90.0 => "A-",
        s if s >= 87.0 => "B+",
        s if s >= 83.0 => "B",
        s if s >= 80.0 => "B-",
        s if s >= 77.0 => "C+",
        s if s >= 73.0 => "C",
        s if s >= 70.0 => "C-",
        s if s >= 60.0 => "D",
        _ => "F",
    }
}

/// Least confidence with which a verdict is given at all.
const MIN_CONFIDENCE: f64 = 0.5;

/// Score from which a system without critical findings is ready without reservations.
const READY_SCORE: f64 = 90.0;

/// Whether the system is fit to carry load.
pub fn readiness(score: &Score, findings: &[Finding], snapshot: &Snapshot) -> Readiness {
    let count = |severity| findings.iter().filter(|f| f.severity == severity).count();
    let (critical, warnings) = (count(Severity::Critical), count(Severity::Warning));
    let mut reasons: Vec<String> = snapshot
        .targets
        .iter()
        .filter(|target| !is_reached(&target.data))
        .map(|target| format!("{} could not be reached", target.name))
        .collect();
    let unreached = !reasons.is_empty();
    reasons.extend(
        findings
            .iter()
            .filter(|finding| finding.severity == Severity::Critical)
            .take(5)
            .map(|finding| finding.message.clone()),
    );
    if critical > 5 {
        reasons.push(format!("{} more critical findings", critical - 5));
    }
    if warnings > 0 {
        reasons.push(format!("{warnings} warnings"));
    }
    if score.confidence < MIN_CONFIDENCE {
        reasons.push(format!("only {:.0} % could be examined", score.confidence * 100.0));
    }
    let verdict = if critical > 0 {
        Verdict::NotReady
    } else if unreached || score.confidence < MIN_CONFIDENCE {
        Verdict::Unknown
    } else if score.overall >= READY_SCORE {
        Verdict::Ready
    } else {
        Verdict::ReadyWithReservations
    };
    Readiness { verdict, reasons }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Rounded down, so that only everything examined is full confidence.
fn hundredth(value: f64) -> f64 {
    (value * 100.0 + 1e-6).floor() / 100.0
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Subject, report::Checked};
    use proptest::prelude::*;

    use super::*;
    use crate::testing;

    fn finding(check: &str, name: usize, severity: Severity) -> Finding {
        let subject = Subject::new("thing", name.to_string());
        Finding {
            key: Finding::key_of(check, "main", &subject),
            check: check.to_owned(),
            severity,
            target: "main".into(),
            subject,
            message: String::new(),
            evidence: Vec::new(),
            recommendation: String::new(),
            fix: None,
            impact: None,
        }
    }

    fn full_coverage() -> Coverage {
        let ran = |check: &str| Checked { check: check.into(), target: "main".into(), findings: 0 };
        Coverage {
            checked: CHECKS.iter().map(|check| ran(check.id)).collect(),
            ..Coverage::default()
        }
    }

    fn scored(findings: &[Finding]) -> Score {
        score(findings, &full_coverage(), &testing::pg(|_| {}))
    }

    fn severity() -> impl Strategy<Value = Severity> {
        prop::sample::select(Severity::WORST_FIRST.to_vec())
    }

    fn findings() -> impl Strategy<Value = Vec<Finding>> {
        prop::collection::vec((0..CHECKS.len(), severity()), 0..40).prop_map(|picks| {
            picks
                .into_iter()
                .enumerate()
                .map(|(n, (check, severity))| finding(CHECKS[check].id, n, severity))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn removing_a_problem_never_lowers_any_score(all in findings(), pick in any::<prop::sample::Index>()) {
            prop_assume!(!all.is_empty());
            let mut fewer = all.clone();
            fewer.remove(pick.index(all.len()));
            let (before, after) = (scored(&all), scored(&fewer));
            prop_assert!(after.overall >= before.overall);
            for (a, b) in after.components.iter().zip(&before.components) {
                prop_assert!(a.score >= b.score, "{}: {} < {}", a.id, a.score, b.score);
            }
        }

        #[test]
        fn making_a_problem_milder_never_lowers_any_score(all in findings(), pick in any::<prop::sample::Index>()) {
            prop_assume!(!all.is_empty());
            let mut milder = all.clone();
            let one = &mut milder[pick.index(all.len())];
            one.severity = Severity::Info;
            prop_assert!(scored(&milder).overall >= scored(&all).overall);
        }

        #[test]
        fn deductions_explain_every_lost_point(all in findings()) {
            let score = scored(&all);
            for component in &score.components {
                let lost: f64 = component.deductions.iter().map(|d| d.points).sum();
                prop_assert!((100.0 - component.score - lost).abs() < 0.06, "{component:?}");
            }
            let listed: usize = score.components.iter().map(|c| c.deductions.len()).sum();
            prop_assert_eq!(listed, all.len());
        }
    }

    #[test]
    fn unknown_lowers_confidence_and_not_the_score() {
        use dbvitals_model::report::Skipped;
        let mut coverage = full_coverage();
        let gone = coverage.checked.remove(0);
        coverage.skipped.push(Skipped {
            check: gone.check,
            target: "main".into(),
            part: None,
            reason: "hidden".into(),
            class: Reason::Permission,
            remedy: None,
        });
        let score = score(&[], &coverage, &testing::pg(|_| {}));
        assert!((score.overall - 100.0).abs() < f64::EPSILON);
        assert!(score.confidence < 1.0);
    }

    #[test]
    fn something_critical_caps_the_whole() {
        let critical = finding(CHECKS[0].id, 0, Severity::Critical);
        let score = scored(std::slice::from_ref(&critical));
        assert!(score.overall <= CAP_CRITICAL);
        assert!(score.capped_by.is_none_or(|key| key == critical.key));
    }

    #[test]
    fn nothing_examined_is_unknown_not_healthy() {
        let snapshot = testing::snapshot(Vec::new());
        let score = score(&[], &Coverage::default(), &snapshot);
        assert!(score.components.is_empty());
        assert_eq!(score.grade, "?");
        assert_eq!(readiness(&score, &[], &snapshot).verdict, Verdict::Unknown);
    }
}
