//! What mending a plan could save at the most, each part of it counted once.
//!
//! Findings promise what they would save alone. What one node loses is not lost again by the nodes above, whose time
//! holds it, and two findings of one node share what it has: of promises that overlap the largest counts.

use std::collections::BTreeMap;

use dbvitals_model::{Finding, Measure, plan::Plan};

use super::{
    misestimate,
    seen::{AVOIDABLE_COST, AVOIDABLE_TIME, Seen},
    trigger_time,
};

/// The most that could be saved, in the unit of the plan's account; `None` where nothing is promised.
pub(crate) fn most(plan: &Plan, findings: &[&Finding]) -> Option<f64> {
    let promises: Vec<(&Finding, f64)> =
        findings.iter().filter_map(|finding| Some((*finding, promised(finding)?))).collect();
    if promises.is_empty() {
        return None;
    }
    let seen = Seen::of(plan);
    let paths: BTreeMap<String, usize> =
        (0..plan.nodes.len()).map(|at| (plan.path(at), at)).collect();
    let mut own = vec![0.0_f64; plan.nodes.len()];
    let (mut of_all, mut besides) = (0.0_f64, 0.0);
    for (finding, amount) in promises {
        // A better guess changes what stands above it, not the node itself.
        let is_guess = finding.check == misestimate::CHECK.id;
        match node_of(finding).filter(|_| !is_guess).and_then(|path| paths.get(path)) {
            Some(at) => own[*at] = own[*at].max(amount),
            None if finding.check == trigger_time::CHECK.id => besides += amount,
            None => of_all = of_all.max(amount),
        }
    }
    // Children stand behind their parents.
    let mut below = vec![0.0; plan.nodes.len()];
    for at in (0..plan.nodes.len()).rev() {
        let best = own[at].max(below[at]).min(seen.whole(at));
        match plan.nodes[at].parent {
            Some(parent) => below[parent] += best,
            None => of_all = of_all.max(best),
        }
    }
    Some((of_all + besides).min(seen.account.total))
}

fn promised(finding: &Finding) -> Option<f64> {
    let is_promise = |label: &str| label == AVOIDABLE_TIME || label == AVOIDABLE_COST;
    match finding.evidence.iter().find(|it| is_promise(&it.label))?.value {
        Measure::Number(amount) => Some(amount),
        Measure::Text(_) => None,
    }
}

/// The path of the node a finding is about: its subject begins with it.
pub(crate) fn node_of(finding: &Finding) -> Option<&str> {
    finding.subject.name.split(' ').next().filter(|_| finding.subject.kind == "node")
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Evidence, Severity, Subject, Unit};

    use super::*;

    const PLAN: &str =
        "Hash Join  (cost=1.0..900.0 rows=10 width=4) (actual time=1.0..100.0 rows=10 loops=1)
  ->  Seq Scan on a  (cost=0.0..400.0 rows=10 width=4) (actual time=0.1..40.0 rows=10 loops=1)
  ->  Hash  (cost=0.0..400.0 rows=10 width=4) (actual time=50.0..50.0 rows=10 loops=1)
        ->  Seq Scan on b  (cost=0.0..400.0 rows=10 width=4) (actual time=0.1..45.0 rows=10 loops=1)
";

    fn promise(check: &str, kind: &str, name: &str, ms: f64) -> Finding {
        let finding = Finding {
            key: String::new(),
            check: check.to_owned(),
            severity: Severity::Warning,
            target: "plan".to_owned(),
            subject: Subject::new(kind, name),
            message: String::new(),
            evidence: Vec::new(),
            recommendation: String::new(),
            fix: None,
            impact: None,
        };
        finding.with(Evidence::new(AVOIDABLE_TIME, ms, Unit::Ms, "EXPLAIN ANALYZE"))
    }

    fn saved(promises: &[Finding]) -> Option<f64> {
        let plan = dbvitals_query::plan::read(PLAN).unwrap().remove(0);
        most(&plan, &promises.iter().collect::<Vec<_>>())
    }

    #[test]
    fn promises_that_overlap_count_once() {
        let node = |check, path, ms| promise(check, "node", path, ms);
        assert_eq!(saved(&[]), None);
        assert_eq!(saved(&[node("x", "1.1 a", 30.0), node("y", "1.1 a", 20.0)]), Some(30.0));
        assert_eq!(saved(&[node("x", "1.1 a", 30.0), node("y", "1.2.1 b", 20.0)]), Some(50.0));
        let nested = [node("x", "1.2 Hash", 30.0), node("y", "1.2.1 b", 20.0)];
        assert_eq!(saved(&nested), Some(30.0));
        let guess = [node("plan-misestimate", "1.1 a", 60.0), node("y", "1.2.1 b", 20.0)];
        assert_eq!(saved(&guess), Some(60.0));
    }

    #[test]
    fn nothing_saves_more_than_there_is() {
        let all = |ms| promise("x", "plan", "compilation", ms);
        assert_eq!(saved(&[all(90.0)]), Some(90.0));
        let trigger = promise("plan-trigger-time", "plan", "trigger t", 40.0);
        assert_eq!(saved(&[all(90.0), trigger]), Some(100.0));
    }
}
