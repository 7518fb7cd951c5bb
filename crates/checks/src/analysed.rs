//! Statements as a report shows them.

use crate::plan::saving;
use dbvitals_model::{
    Finding, Section, Snapshot, TargetData,
    plan::{Basis, Node, Plan},
    report::{Analysed, PlanTree, Step},
    statement::{StatementPlan, StatementSnapshot},
};

/// Every statement of a snapshot, with the findings at the nodes they are about.
pub(crate) fn analysed(snapshot: &Snapshot, findings: &[Finding]) -> Vec<Analysed> {
    let of = |target: &dbvitals_model::TargetSnapshot| match &target.data {
        TargetData::Statement(statement) => {
            let own: Vec<&Finding> =
                findings.iter().filter(|finding| finding.target == target.name).collect();
            Some(one(&target.name, statement, &own))
        }
        _ => None,
    };
    snapshot.targets.iter().filter_map(of).collect()
}

fn one(target: &str, statement: &StatementSnapshot, findings: &[&Finding]) -> Analysed {
    let (plans, missing) = match &statement.plans {
        Section::Collected(plans) => (plans.value.as_slice(), plans.gaps.clone()),
        Section::Unavailable(why) => (&[][..], vec![why.clone()]),
    };
    Analysed {
        target: target.to_owned(),
        text: statement.text.clone(),
        class: statement.class.clone(),
        fingerprint: statement.fingerprint.clone(),
        refused: statement.refused.clone(),
        role: statement.role.clone(),
        calls: statement.calls.value().cloned(),
        // Findings are about the plan that tells the most, which is the first.
        plans: plans
            .iter()
            .enumerate()
            .map(|(place, plan)| tree(plan, if place == 0 { findings } else { &[] }))
            .collect(),
        missing,
        rewrites: statement.rewrites.clone(),
        suggestions: statement.suggestions.clone(),
    }
}

fn tree(planned: &StatementPlan, findings: &[&Finding]) -> PlanTree {
    let plan = &planned.plan;
    let account = plan.account();
    let steps = plan.nodes.iter().enumerate().map(|(at, node)| {
        let path = plan.path(at);
        Step {
            depth: node.depth,
            title: node.title(),
            aside: node.subplan.clone(),
            own: account.own(at),
            ratio: account.shares.get(at).map_or(0.0, |share| share.ratio),
            expected_rows: node.estimate.map(|estimate| estimate.rows),
            rows: node.actual.map(|actual| actual.rows),
            loops: node.actual.map(|actual| actual.loops),
            stopped_early: plan
                .ancestors(at)
                .any(|above| plan.nodes.get(above).is_some_and(|node| node.kind == "Limit")),
            details: details(node),
            findings: at_node(findings, &path),
            path,
        }
    });
    PlanTree {
        kind: planned.kind,
        parameters: planned.parameters.clone(),
        is_timed: account.basis == Basis::Time,
        total: account.total,
        avoidable: saving::most(plan, findings),
        planning_ms: plan.planning_ms,
        steps: steps.collect(),
        besides: besides(plan),
    }
}

/// The checks whose findings name a node: their subject begins with its path.
fn at_node(findings: &[&Finding], path: &str) -> Vec<String> {
    let named = |finding: &&&Finding| saving::node_of(finding) == Some(path);
    findings.iter().filter(named).map(|finding| finding.check.clone()).collect()
}

fn besides(plan: &Plan) -> Vec<(String, f64)> {
    let triggers = plan.triggers.iter().filter_map(|trigger| {
        let name = trigger.constraint.as_ref().unwrap_or(&trigger.name);
        Some((format!("trigger {name}"), trigger.ms?))
    });
    triggers.collect()
}

/// Conditions and keys, the ones that pick rows first.
fn details(node: &Node) -> Vec<(String, String)> {
    let it = &node.conditions;
    let conditions = [
        ("Index Cond", &it.index_cond),
        ("Hash Cond", &it.hash_cond),
        ("Merge Cond", &it.merge_cond),
        ("Tid Cond", &it.tid_cond),
        ("Recheck Cond", &it.recheck_cond),
        ("Join Filter", &it.join_filter),
        ("Filter", &it.filter),
        ("One-Time Filter", &it.one_time_filter),
        ("Run Condition", &it.run_condition),
        ("Order By", &it.order_by),
        ("Cache Key", &it.cache_key),
    ];
    let mut details: Vec<(String, String)> = conditions
        .into_iter()
        .filter_map(|(label, text)| Some((label.to_owned(), text.clone()?)))
        .collect();
    for (label, keys) in [
        ("Sort Key", &node.sort_key),
        ("Presorted Key", &node.presorted_key),
        ("Group Key", &node.group_key),
    ] {
        if !keys.is_empty() {
            details.push((label.to_owned(), keys.join(", ")));
        }
    }
    if let Some(actual) = &node.actual {
        let removed = actual.removed;
        for (label, rows) in [
            ("Rows removed by filter", removed.by_filter),
            ("Rows removed by join filter", removed.by_join_filter),
            ("Rows removed by recheck", removed.by_recheck),
        ] {
            if rows > 0.0 {
                details.push((label.to_owned(), crate::words::count(rows * actual.loops.max(1.0))));
            }
        }
    }
    details
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        plan::{Actual, Estimate},
        statement::PlanKind,
    };

    use super::*;
    use crate::{Settings, testing};

    fn node(kind: &str, ms: f64, rows: f64) -> Node {
        let mut node = Node::new(kind);
        node.estimate = Some(Estimate { total_cost: ms, rows: 10.0, ..Estimate::default() });
        let total_ms = Some(ms);
        node.actual = Some(Actual { total_ms, rows, loops: 1.0, ..Actual::default() });
        node
    }

    #[test]
    fn shares_are_of_the_whole_and_steps_keep_their_order() {
        let built = testing::statement(|statement| {
            let mut plan = Plan::default();
            let root = plan.push(None, node("Sort", 100.0, 1.0));
            let mut scan = node("Seq Scan", 80.0, 1000.0);
            scan.relation = Some("orders".to_owned());
            scan.conditions.filter = Some("(a = 1)".to_owned());
            plan.push(Some(root), scan);
            let kind = PlanKind::Measured;
            let planned = StatementPlan { kind, parameters: Vec::new(), plan };
            statement.plans = Section::collected(vec![planned]);
        });
        let report = crate::judge(&built, &Settings::default());
        let tree = &report.statements[0].plans[0];
        assert!(tree.is_timed && (tree.total - 100.0).abs() < 1e-9);
        let shares: Vec<_> =
            tree.steps.iter().map(|step| (step.path.as_str(), step.ratio)).collect();
        assert_eq!(shares, [("1", 0.2), ("1.1", 0.8)]);
        assert_eq!(tree.steps[1].title, "Seq Scan on orders");
        assert_eq!(tree.steps[1].details, [("Filter".to_owned(), "(a = 1)".to_owned())]);
    }
}
