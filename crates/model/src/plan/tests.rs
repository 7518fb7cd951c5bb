//! Times, costs and blocks are counted once; places have names.
use super::*;

fn node(kind: &str, total_ms: f64, loops: f64, cost: f64) -> Node {
    Node {
        estimate: Some(Estimate { total_cost: cost, rows: 10.0, ..Estimate::default() }),
        actual: Some(Actual { total_ms: Some(total_ms), loops, rows: 1.0, ..Actual::default() }),
        ..Node::new(kind)
    }
}

fn own(plan: &Plan) -> Vec<f64> {
    plan.account().shares.iter().map(|share| share.self_ms.unwrap_or(-1.0)).collect()
}

fn related(mut node: Node, relationship: &str, subplan: Option<&str>) -> Node {
    node.relationship = Some(relationship.to_owned());
    node.subplan = subplan.map(str::to_owned);
    node
}

#[test]
fn loops_multiply_and_what_never_ran_takes_nothing() {
    let mut plan = Plan::default();
    let root = plan.push(None, node("Nested Loop", 100.0, 1.0, 500.0));
    plan.push(Some(root), related(node("Seq Scan", 10.0, 1.0, 100.0), "Outer", None));
    plan.push(Some(root), related(node("Index Scan", 0.5, 100.0, 30.0), "Inner", None));
    plan.push(Some(root), related(node("Seq Scan", 0.0, 0.0, 7.0), "SubPlan", None));
    assert_eq!(own(&plan), [40.0, 10.0, 50.0, 0.0]);
    let account = plan.account();
    assert_eq!(account.basis, Basis::Time);
    assert!((account.shares[2].ratio - 0.5).abs() < 1e-9);
    let costs: f64 = account.shares.iter().map(|share| share.self_cost).sum();
    assert!((costs - 500.0).abs() < 1e-6, "costs are handed down without loss: {account:?}");
}

#[test]
fn processes_share_the_time_below_a_gather() {
    let mut plan = Plan::default();
    let root = plan.push(None, node("Gather", 110.0, 1.0, 100.0));
    plan.push(Some(root), related(node("Seq Scan", 100.0, 3.0, 90.0), "Outer", None));
    assert_eq!(own(&plan), [10.0, 100.0]);
}

#[test]
fn an_init_plan_is_paid_by_the_node_that_asks_for_it() {
    for (name, filter) in
        [("InitPlan 1 (returns $0)", "(a = $0)"), ("InitPlan 1", "(a = (InitPlan 1).col1)")]
    {
        let mut plan = Plan::default();
        let root = plan.push(None, node("Limit", 100.0, 1.0, 100.0));
        plan.push(Some(root), related(node("Aggregate", 40.0, 1.0, 40.0), "InitPlan", Some(name)));
        let mut scan = related(node("Seq Scan", 99.0, 1.0, 60.0), "Outer", None);
        scan.conditions.filter = Some(filter.to_owned());
        plan.push(Some(root), scan);
        assert_eq!(own(&plan), [1.0, 40.0, 59.0]);
    }
    assert!(account_mentions("$1 = a", "$1") && !account_mentions("$12 = a", "$1"));
}

fn account_mentions(text: &str, mark: &str) -> bool {
    let mut plan = Plan::default();
    let root = plan.push(None, node("Limit", 100.0, 1.0, 100.0));
    let name = format!("InitPlan 1 (returns {mark})");
    plan.push(Some(root), related(node("Result", 40.0, 1.0, 1.0), "InitPlan", Some(&name)));
    let mut scan = related(node("Seq Scan", 90.0, 1.0, 60.0), "Outer", None);
    scan.conditions.filter = Some(text.to_owned());
    plan.push(Some(root), scan);
    own(&plan)[2] < 60.0
}

#[test]
fn a_common_table_expression_is_paid_by_its_reader() {
    let mut plan = Plan::default();
    let root = plan.push(None, node("Hash Join", 100.0, 1.0, 100.0));
    plan.push(Some(root), related(node("Seq Scan", 70.0, 1.0, 70.0), "InitPlan", Some("CTE x")));
    for (kind, ms) in [("CTE Scan", 75.0), ("CTE Scan", 5.0)] {
        let mut scan = related(node(kind, ms, 1.0, 1.0), "Outer", None);
        scan.cte = Some("x".to_owned());
        plan.push(Some(root), scan);
    }
    assert_eq!(own(&plan), [20.0, 70.0, 5.0, 5.0]);
}

#[test]
fn blocks_are_counted_once() {
    let with = |kind: &str, shared_hit: u64| Node {
        buffers: Some(Buffers { shared_hit, ..Buffers::default() }),
        ..node(kind, 1.0, 1.0, 1.0)
    };
    let mut plan = Plan::default();
    let root = plan.push(None, with("Sort", 30));
    plan.push(Some(root), related(with("Seq Scan", 27), "Outer", None));
    let hits: Vec<_> = plan.account().shares.iter().map(|s| s.self_buffers.unwrap()).collect();
    assert_eq!([hits[0].shared_hit, hits[1].shared_hit], [3, 27]);
}

#[test]
fn a_limit_pays_for_a_part_of_what_is_below() {
    let mut plan = Plan::default();
    let estimate = |total_cost| Some(Estimate { total_cost, ..Estimate::default() });
    let root = plan.push(None, Node { estimate: estimate(5.0), ..Node::new("Limit") });
    plan.push(Some(root), Node { estimate: estimate(5000.0), ..Node::new("Seq Scan") });
    let account = plan.account();
    assert_eq!((account.basis, account.total), (Basis::Cost, 5.0));
    assert_eq!((account.shares[0].self_cost, account.shares[1].self_cost), (0.0, 5.0));
}

#[test]
fn places_have_names() {
    let mut plan = Plan::default();
    let root = plan.push(None, Node::new("Append"));
    let first = plan.push(Some(root), Node::new("Sort"));
    plan.push(Some(first), Node::new("Seq Scan"));
    let second = plan.push(Some(root), Node::new("Seq Scan"));
    let paths: Vec<_> = (0..4).map(|at| plan.path(at)).collect();
    assert_eq!(paths, ["1", "1.1", "1.1.1", "1.2"]);
    assert_eq!(plan.children(root).collect::<Vec<_>>(), [first, second]);
    assert_eq!((plan.end_of(first), plan.end_of(root)), (3, 4));
    assert_eq!(plan.ancestors(2).collect::<Vec<_>>(), [1, 0]);
}
