//! Two plans of one statement: what changed, what it is worth, and what is risky about the new one.
//!
//! Nodes are the same when they read the same tables in the same office (scan, join, sort …), wherever they stand.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::plan::{Account, Basis, Node, Plan};

/// Aliases that tell a node from another: more than these are never compared.
const LONGEST_KEY: usize = 200;

/// Rows from the outer side up to which a new nested loop rests on a risky guess.
const FEW_ROWS: f64 = 10.0;

/// What became of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Planner's cost before and after.
    pub cost: Option<(f64, f64)>,
    /// Milliseconds before and after, where both plans were executed.
    pub time: Option<(f64, f64)>,
    /// Nodes that are not what they were, those that take the most first.
    pub changes: Vec<Change>,
    /// Patterns of the new plan that are known to turn out slower than they cost.
    pub risks: Vec<Risk>,
}

/// A node that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Place, name and own time or cost before; `None` for a new node.
    pub before: Option<Step>,
    /// The same after; `None` for a node that is gone.
    pub after: Option<Step>,
}

/// A node of one of the plans.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `1.2.1`.
    pub path: String,
    /// `Seq Scan on orders`.
    pub title: String,
    /// Milliseconds or cost of the node itself.
    pub own: f64,
}

/// Why the new plan should be measured before it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// The node, in the new plan (`1` where the whole plan is meant).
    pub path: String,
    /// What is risky.
    pub text: String,
}

/// One plan with what telling its nodes apart takes.
struct Side<'a> {
    plan: &'a Plan,
    account: Account,
    keys: Vec<Option<String>>,
}

/// Compares two plans of one statement.
pub fn compare(before: &Plan, after: &Plan) -> Comparison {
    let (before, after) = (Side::of(before), Side::of(after));
    let both = |a: Option<f64>, b: Option<f64>| a.zip(b);
    let is_timed = [&before, &after].iter().all(|side| side.account.basis == Basis::Time);
    Comparison {
        cost: both(before.plan.cost(), after.plan.cost()),
        time: both(before.plan.elapsed_ms(), after.plan.elapsed_ms()).filter(|_| is_timed),
        changes: changes(&before, &after),
        risks: risks(&before, &after),
    }
}

impl Comparison {
    /// After as a part of before: by time where it was measured, else by cost.
    pub fn ratio(&self) -> Option<f64> {
        let (before, after) = self.time.or(self.cost)?;
        (before > 0.0).then(|| after / before)
    }
}

impl<'a> Side<'a> {
    fn of(plan: &'a Plan) -> Self {
        let covers = covers(plan);
        let keys = plan.nodes.iter().zip(&covers).map(|(node, covers)| key(node, covers)).collect();
        Self { plan, account: plan.account(), keys }
    }

    fn step(&self, at: usize) -> Step {
        Step {
            path: self.plan.path(at),
            title: self.plan.nodes[at].title(),
            own: self.account.own(at),
        }
    }

    /// The nodes of each key, in the order of the plan.
    fn by_key(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, key) in self.keys.iter().enumerate() {
            if let Some(key) = key {
                all.entry(key).or_default().push(at);
            }
        }
        all
    }

    fn has(&self, kinds: &[&str]) -> bool {
        self.plan.nodes.iter().any(|node| kinds.contains(&node.kind.as_str()))
    }
}

/// What each node reads, by the names the statement gives it.
fn covers(plan: &Plan) -> Vec<BTreeSet<String>> {
    let mut all = vec![BTreeSet::new(); plan.nodes.len()];
    for at in (0..plan.nodes.len()).rev() {
        let node = &plan.nodes[at];
        let name = node.alias.as_ref().or(node.relation.as_ref()).or(node.cte.as_ref());
        if let Some(name) = name.filter(|_| node.is_scan()) {
            all[at].insert(name.clone());
        }
        if let Some(parent) = node.parent {
            let below: Vec<String> = all[at].iter().take(LONGEST_KEY).cloned().collect();
            all[parent].extend(below);
        }
    }
    all
}

/// The office of a node and what it reads; `None` for what is part of another (the bitmap below a heap scan, the hash
/// below a join).
fn key(node: &Node, covers: &BTreeSet<String>) -> Option<String> {
    let office = match node.kind.as_str() {
        "Bitmap Index Scan" | "BitmapAnd" | "BitmapOr" | "Hash" => return None,
        _ if node.is_join() => "join",
        _ if node.is_scan() => "scan",
        "Sort" | "Incremental Sort" => "sort",
        "Gather" | "Gather Merge" => "gather",
        "Aggregate" | "Group" if node.partial_mode.is_some() => "partial group",
        "Aggregate" | "Group" | "Unique" => "group",
        kind => kind,
    };
    let names: Vec<&str> = covers.iter().map(String::as_str).collect();
    Some(format!("{office} {}", names.join(" ")))
}

fn changes(before: &Side<'_>, after: &Side<'_>) -> Vec<Change> {
    let (old, new) = (before.by_key(), after.by_key());
    let keys: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let mut changes = Vec::new();
    for key in keys {
        let nothing = Vec::new();
        let (was, is) = (old.get(key).unwrap_or(&nothing), new.get(key).unwrap_or(&nothing));
        for place in 0..was.len().max(is.len()) {
            let (was, is) = (
                was.get(place).map(|at| before.step(*at)),
                is.get(place).map(|at| after.step(*at)),
            );
            let is_same = was.as_ref().zip(is.as_ref()).is_some_and(|(a, b)| a.title == b.title);
            if !is_same {
                changes.push(Change { before: was, after: is });
            }
        }
    }
    let weight = |change: &Change| {
        let own = |step: &Option<Step>| step.as_ref().map_or(0.0, |step| step.own);
        own(&change.before).max(own(&change.after))
    };
    changes.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    changes
}

fn risks(before: &Side<'_>, after: &Side<'_>) -> Vec<Risk> {
    let mut risks = Vec::new();
    let old = before.by_key();
    for (at, node) in after.plan.nodes.iter().enumerate() {
        let text = match node.kind.as_str() {
            "Nested Loop" => new_lookups(before, after, &old, at),
            "Index Scan" | "Index Only Scan" => new_order(before, after, &old, at),
            "BitmapAnd" if !before.has(&["BitmapAnd"]) => Some(
                "combines two indexes: each is read in full for its condition, which is dearer than it costs when one of \
                 them finds many rows"
                    .to_owned(),
            ),
            _ => None,
        };
        risks.extend(text.map(|text| Risk { path: after.plan.path(at), text }));
    }
    let gathers = ["Gather", "Gather Merge"];
    if before.has(&gathers) && !after.has(&gathers) {
        let text = "runs in one process where several shared the work: the clock on the wall may show more, though the \
                    cost is lower";
        risks.push(Risk { path: "1".to_owned(), text: text.to_owned() });
    }
    risks
}

/// A nested loop over lookups that was another join before, and whose outer side is expected to be tiny.
fn new_lookups(
    before: &Side<'_>,
    after: &Side<'_>,
    old: &BTreeMap<&str, Vec<usize>>,
    at: usize,
) -> Option<String> {
    let key = after.keys[at].as_deref()?;
    let was = old.get(key).into_iter().flatten();
    if was.into_iter().any(|was| before.plan.nodes[*was].kind == "Nested Loop") {
        return None;
    }
    let mut inputs = after.plan.children(at).filter(|child| !after.plan.nodes[*child].is_aside());
    let (outer, inner) = (inputs.next()?, inputs.next()?);
    let rows = after.plan.nodes[outer].estimate?.rows;
    let is_lookup = (inner..after.plan.end_of(inner))
        .any(|at| after.plan.nodes[at].conditions.index_cond.is_some());
    (is_lookup && rows < FEW_ROWS).then(|| {
        format!(
            "is a new nested loop over an index, chosen because {rows} rows are expected from its outer side: should \
             there be many, it is slower by that factor"
        )
    })
}

/// An index read for its order under a `LIMIT`, where it was not before.
fn new_order(
    before: &Side<'_>,
    after: &Side<'_>,
    old: &BTreeMap<&str, Vec<usize>>,
    at: usize,
) -> Option<String> {
    let reads_in_order = |side: &Side<'_>, at: usize| {
        let node = &side.plan.nodes[at];
        node.index.is_some()
            && node.conditions.index_cond.is_none()
            && side.plan.ancestors(at).any(|above| side.plan.nodes[above].kind == "Limit")
    };
    let was = old.get(after.keys[at].as_deref()?).into_iter().flatten();
    let did = was.into_iter().any(|was| reads_in_order(before, *was));
    (!did && reads_in_order(after, at)).then(|| {
        "reads an index for its order under a LIMIT: fast when matching rows come early, and the slowest way of all when \
         they come late"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        dbvitals_query::plan::read(text).unwrap().remove(0)
    }

    const HASHED: &str = "Limit  (cost=1.0..900.0 rows=10 width=4)
  ->  Sort  (cost=1.0..890.0 rows=10 width=4)
        ->  Hash Join  (cost=1.0..800.0 rows=5000 width=4)
              ->  Seq Scan on orders o  (cost=0.0..500.0 rows=5000 width=4)
              ->  Hash  (cost=1.0..100.0 rows=500 width=4)
                    ->  Seq Scan on customers c  (cost=0.0..100.0 rows=500 width=4)
";

    const LOOKED_UP: &str = "Limit  (cost=1.0..90.0 rows=10 width=4)
  ->  Nested Loop  (cost=1.0..8000.0 rows=5000 width=4)
        ->  Index Scan using orders_created on orders o  (cost=0.0..500.0 rows=9 width=4)
        ->  Index Scan using customers_pkey on customers c  (cost=0.0..8.0 rows=1 width=4)
              Index Cond: (id = o.customer_id)
";

    #[test]
    fn a_plan_is_like_itself() {
        let same = compare(&plan(HASHED), &plan(HASHED));
        assert!(same.changes.is_empty() && same.risks.is_empty(), "{same:?}");
        assert_eq!(same.ratio(), Some(1.0));
        assert_eq!(same.time, None);
    }

    #[test]
    fn changes_pair_what_reads_the_same() {
        let found = compare(&plan(HASHED), &plan(LOOKED_UP));
        let names: BTreeSet<(String, String)> = found
            .changes
            .iter()
            .map(|change| {
                let name = |step: &Option<Step>| {
                    step.as_ref().map_or_else(|| "-".to_owned(), |it| it.title.clone())
                };
                (name(&change.before), name(&change.after))
            })
            .collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let expected = BTreeSet::from([
            pair("Hash Join", "Nested Loop"),
            pair("Seq Scan on orders o", "Index Scan using orders_created on orders o"),
            pair("Seq Scan on customers c", "Index Scan using customers_pkey on customers c"),
            pair("Sort", "-"),
        ]);
        assert_eq!(names, expected);
        assert_eq!(found.ratio(), Some(0.1));
    }

    #[test]
    fn risky_patterns_are_told_in_one_direction_only() {
        let risks = compare(&plan(HASHED), &plan(LOOKED_UP)).risks;
        let paths: Vec<&str> = risks.iter().map(|risk| risk.path.as_str()).collect();
        assert_eq!(paths, ["1.1", "1.1.1"], "{risks:?}");
        assert!(compare(&plan(LOOKED_UP), &plan(HASHED)).risks.is_empty());
        let gathered = "Gather  (cost=1.0..900.0 rows=10 width=4)\n  \
                        ->  Parallel Seq Scan on t  (cost=1.0..890.0 rows=10 width=4)\n";
        let alone = "Seq Scan on t  (cost=1.0..880.0 rows=10 width=4)\n";
        assert_eq!(compare(&plan(gathered), &plan(alone)).risks.len(), 1);
        assert!(compare(&plan(alone), &plan(gathered)).risks.is_empty());
    }

    #[test]
    fn times_count_only_where_both_were_measured() {
        let timed = |ms: f64| {
            format!(
                "Seq Scan on t  (cost=1.0..880.0 rows=1 width=4) (actual time=0.1..{ms} rows=1 loops=1)"
            )
        };
        assert_eq!(compare(&plan(&timed(100.0)), &plan(&timed(25.0))).ratio(), Some(0.25));
        let alone = "Seq Scan on t  (cost=1.0..880.0 rows=10 width=4)\n";
        assert_eq!(compare(&plan(&timed(100.0)), &plan(alone)).ratio(), Some(1.0), "by cost");
    }
}
