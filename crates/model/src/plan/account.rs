//! Where the time, the cost and the blocks of a plan went, node by node, each counted once.
//!
//! The server's figures include what lies below a node. Loops multiply them, processes share them, an `InitPlan` is
//! run by the node that asks for its value and a common table expression by the node that reads it, wherever they are
//! printed. What cannot be told apart never becomes negative.

use super::{Buffers, Plan};

/// The account of one plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// What [`Share::ratio`] is a share of.
    pub basis: Basis,
    /// All of it: milliseconds or cost.
    pub total: f64,
    /// One entry per node of the plan, in its order.
    pub shares: Vec<Share>,
}

/// What shares are reckoned in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Measured time.
    Time,
    /// The planner's cost, where time was not measured.
    Cost,
}

/// What one node took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    /// Time with everything below, as the clock on the wall saw it: over all loops, shared by the processes.
    pub elapsed_ms: Option<f64>,
    /// Time in the node itself.
    pub self_ms: Option<f64>,
    /// Cost with everything below, over all loops, as far as its parent pays for it.
    pub cost: f64,
    /// Cost of the node itself.
    pub self_cost: f64,
    /// Blocks of the node itself.
    pub self_buffers: Option<Buffers>,
    /// Processes that shared the work.
    pub processes: f64,
    /// The node's own share of the total, between 0 and 1.
    pub ratio: f64,
    /// The same with everything below.
    pub whole_ratio: f64,
}

impl Account {
    /// Reckons the account of a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut shares = vec![Share::default(); plan.nodes.len()];
        let payers = payers(plan, &elapsed(plan, &mut shares));
        times(&mut shares, &payers);
        buffers(plan, &mut shares, &payers);
        costs(plan, &mut shares);
        let root_ms = shares.first().and_then(|share| share.elapsed_ms);
        let timed = root_ms.map(|ms| ms.max(plan.execution_ms.unwrap_or(0.0)));
        let (basis, total) = match timed {
            Some(ms) if ms > 0.0 => (Basis::Time, ms),
            _ => (Basis::Cost, plan.cost().unwrap_or(0.0)),
        };
        for share in &mut shares {
            let (own, whole) = match basis {
                Basis::Time => (share.self_ms, share.elapsed_ms),
                Basis::Cost => (Some(share.self_cost), Some(share.cost)),
            };
            let of_total = |part: Option<f64>| match part {
                Some(part) if total > 0.0 => (part / total).clamp(0.0, 1.0),
                _ => 0.0,
            };
            share.ratio = of_total(own);
            share.whole_ratio = of_total(whole);
        }
        Self { basis, total, shares }
    }

    /// What the node itself took, in the unit of the basis: milliseconds or cost.
    pub fn own(&self, at: usize) -> f64 {
        let Some(share) = self.shares.get(at) else { return 0.0 };
        match self.basis {
            Basis::Time => share.self_ms.unwrap_or(0.0),
            Basis::Cost => share.self_cost,
        }
    }

    /// What the node took with everything below, in the unit of the basis.
    pub fn whole(&self, at: usize) -> f64 {
        let Some(share) = self.shares.get(at) else { return 0.0 };
        match self.basis {
            Basis::Time => share.elapsed_ms.unwrap_or(0.0),
            Basis::Cost => share.cost,
        }
    }
}

impl Basis {
    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Cost => "cost",
        }
    }
}

/// Fills in elapsed times and processes, and answers the elapsed times.
fn elapsed(plan: &Plan, shares: &mut [Share]) -> Vec<f64> {
    for (at, node) in plan.nodes.iter().enumerate() {
        let above = node.parent.and_then(|parent| Some((plan.nodes.get(parent)?, parent)));
        let processes = match above {
            // An InitPlan is run by the leader before workers start.
            _ if node.relationship.as_deref() == Some("InitPlan") => 1.0,
            Some((gather, _)) if gather.kind.starts_with("Gather") => {
                let runs = gather.loops().unwrap_or(1.0).max(1.0);
                (node.loops().unwrap_or(1.0) / runs).max(1.0)
            }
            Some((_, parent)) => shares[parent].processes,
            None => 1.0,
        };
        shares[at].processes = processes;
        shares[at].elapsed_ms =
            node.actual.as_ref().and_then(|actual| Some(actual.all_ms()?.max(0.0) / processes));
    }
    shares.iter().map(|share| share.elapsed_ms.unwrap_or(0.0)).collect()
}

/// For each node the node in whose figures its own are contained; `None` for the root and for what runs unasked.
fn payers(plan: &Plan, elapsed: &[f64]) -> Vec<Option<usize>> {
    let payer = |at: usize| {
        let node = &plan.nodes[at];
        let parent = node.parent?;
        if let Some(cte) = node.defines_cte() {
            return reader_of(plan, at, parent, cte, elapsed);
        }
        if node.relationship.as_deref() == Some("InitPlan") {
            return Some(user_of(plan, at, parent));
        }
        Some(parent)
    };
    (0..plan.nodes.len()).map(payer).collect()
}

/// The scan of a common table expression that waited for it: of several, the one that took longest.
fn reader_of(plan: &Plan, at: usize, parent: usize, cte: &str, elapsed: &[f64]) -> Option<usize> {
    let own = at..plan.end_of(at);
    let reads = |other: &usize| {
        let node = &plan.nodes[*other];
        node.kind == "CTE Scan" && node.cte.as_deref() == Some(cte) && !own.contains(other)
    };
    (parent..plan.end_of(parent))
        .filter(reads)
        .max_by(|a, b| elapsed[*a].total_cmp(&elapsed[*b]).then(b.cmp(a)))
}

/// The node that asks for the value of an `InitPlan`; where none can be told, the one it is printed below.
fn user_of(plan: &Plan, at: usize, parent: usize) -> usize {
    let marks = plan.nodes[at].subplan.as_deref().map(marks).unwrap_or_default();
    let own = at..plan.end_of(at);
    let asks = |node: &super::Node| {
        node.expressions().any(|text| marks.iter().any(|mark| mentions(text, mark)))
    };
    let user = (parent..plan.end_of(parent))
        .find(|other| !own.contains(other) && asks(&plan.nodes[*other]))
        .unwrap_or(parent);
    // Values a worker needs are computed before it is launched.
    let gather = |above: &usize| *above >= parent && plan.nodes[*above].kind.starts_with("Gather");
    plan.ancestors(user).take_while(|above| *above >= parent).filter(gather).last().unwrap_or(user)
}

/// How expressions name the value of `InitPlan 1 (returns $0,$1)` or, from 17 on, `InitPlan 1`.
fn marks(subplan: &str) -> Vec<String> {
    let short = subplan.split(" (").next().unwrap_or(subplan);
    let mut marks = vec![format!("({short})")];
    if let Some((_, returns)) = subplan.split_once("returns ") {
        let parameters = returns.trim_end_matches(')').split(',');
        marks.extend(parameters.map(|text| text.trim().to_owned()).filter(|it| it.len() > 1));
    }
    marks
}

/// Whether a text names a mark, `$1` not being part of `$12`.
fn mentions(text: &str, mark: &str) -> bool {
    text.match_indices(mark)
        .any(|(at, _)| !text[at + mark.len()..].starts_with(|next: char| next.is_ascii_digit()))
}

fn times(shares: &mut [Share], payers: &[Option<usize>]) {
    for share in shares.iter_mut() {
        share.self_ms = share.elapsed_ms;
    }
    for (at, payer) in payers.iter().enumerate() {
        let (Some(payer), Some(ms)) = (*payer, shares[at].elapsed_ms) else { continue };
        if let Some(own) = shares[payer].self_ms.as_mut() {
            *own -= ms;
        }
    }
    for share in shares {
        share.self_ms = share.self_ms.map(|ms| ms.max(0.0));
    }
}

fn buffers(plan: &Plan, shares: &mut [Share], payers: &[Option<usize>]) {
    for (at, node) in plan.nodes.iter().enumerate() {
        shares[at].self_buffers = node.buffers;
    }
    for (at, payer) in payers.iter().enumerate() {
        let (Some(payer), Some(used)) = (*payer, plan.nodes[at].buffers) else { continue };
        if let Some(own) = shares[payer].self_buffers.as_mut() {
            *own = own.less(&used);
        }
    }
}

/// Cost flows down: a node keeps what its children do not explain. What is run again and again costs less each time
/// after the first (caches, `Materialize`), and a `LIMIT` pays for a part only: children never get more than there is.
fn costs(plan: &Plan, shares: &mut [Share]) {
    let mut children = vec![Vec::new(); plan.nodes.len()];
    for (at, node) in plan.nodes.iter().enumerate() {
        if let Some(parent) = node.parent {
            children[parent].push(at);
        }
    }
    let estimate = |at: usize| plan.nodes[at].estimate.unwrap_or_default();
    if let Some(root) = shares.first_mut() {
        root.cost = estimate(0).total_cost;
    }
    for (at, below) in children.iter().enumerate() {
        let paid = shares[at].cost;
        let runs = |child: usize| repeats(plan, at, below, child);
        let asked = |child: usize| estimate(child).total_cost.max(0.0) * runs(child).max(1.0);
        let (once, again): (Vec<usize>, Vec<usize>) =
            below.iter().copied().partition(|child| runs(*child) <= 1.0);
        let mut left = paid;
        for group in [once, again] {
            let wanted: f64 = group.iter().map(|child| asked(*child)).sum();
            // What the node was run for more than once, its children were, too.
            let own = estimate(at).total_cost;
            let scale = if own > 0.0 { paid / own } else { 1.0 };
            let given = (wanted * scale).min(left);
            for child in group {
                let part = if wanted > 0.0 { asked(child) / wanted } else { 0.0 };
                shares[child].cost = given * part;
            }
            left -= given;
        }
        shares[at].self_cost = left.max(0.0);
    }
}

/// How often the planner expects a child to be run for one run of its parent.
fn repeats(plan: &Plan, parent: usize, siblings: &[usize], child: usize) -> f64 {
    let rows = |at: usize| plan.nodes[at].estimate.unwrap_or_default().rows;
    let outer = || {
        let is_input = |at: &&usize| !plan.nodes[**at].is_aside();
        siblings.iter().find(is_input).copied()
    };
    match plan.nodes[child].relationship.as_deref() {
        Some("Inner") if plan.nodes[parent].kind == "Nested Loop" => outer().map_or(1.0, rows),
        Some("SubPlan") => rows(parent).max(outer().map_or(1.0, rows)),
        _ => 1.0,
    }
}
