//! What the checks of plans share: the plan judged, where its time went, and findings that say what they would save.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Subject, Unit,
    plan::{Account, Actual, Basis, Node, Plan},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::StatementView,
    words,
};

/// What is the same in all checks of plans.
pub(super) const PLAN: Check = Check {
    id: "",
    title: "",
    topic: Topic::Plans,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["plans"],
    uses: &[],
    thresholds: &[&MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: None,
    explain: "",
    run: Run::Statement(nothing),
};

#[expect(clippy::unnecessary_wraps, reason = "the shape of a judgement")]
fn nothing(_: &StatementView<'_>, _: &Context<'_>) -> Judged {
    Ok(Vec::new())
}

/// Smallest part of a plan worth a word.
pub(super) static MIN_SHARE: Threshold = Threshold {
    key: "min_share_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: Some(0.03),
    range: (0.0, 1.0),
    why: "mending a tenth of a statement cannot be felt; below it measuring errors rule",
};

/// Smallest time worth a word.
pub(super) static MIN_TIME: Threshold = Threshold {
    key: "min_avoidable_ms",
    unit: Unit::Ms,
    default: 5.0,
    strict: Some(1.0),
    range: (0.0, 3_600_000.0),
    why: "a statement of a few milliseconds is fast enough, whatever its plan",
};

/// Smallest cost worth a word, where time was not measured.
pub(super) static MIN_COST: Threshold = Threshold {
    key: "min_avoidable_cost",
    unit: Unit::Count,
    default: 1000.0,
    strict: Some(200.0),
    range: (0.0, 1e12),
    why: "a thousand cost units are read from memory in about ten milliseconds; less is no problem",
};

/// What the promise of a finding is called where time was measured.
pub(super) const AVOIDABLE_TIME: &str = "avoidable time";
/// The same where it was not.
pub(super) const AVOIDABLE_COST: &str = "avoidable cost";

/// The five headings of an explanation, with what all checks of plans have in common.
macro_rules! explained {
    (
        detects: $detects:expr, matters: $matters:expr, fix: $fix:expr, ignore: $ignore:expr,
        references: $references:expr $(,)?
    ) => {
        concat!(
            "## What it detects\n",
            $detects,
            "\n\nWhat could be saved must be `min_share_ratio` of the plan and `min_avoidable_ms`; \
             in a plan without times `min_avoidable_cost`.\n\n## Why it matters\n",
            $matters,
            "\n\n## How to fix\n",
            $fix,
            "\n\n## When to ignore\n",
            $ignore,
            "\n\n## References\n",
            $references,
            "\n"
        )
    };
}
pub(super) use explained;

/// A plan under judgement.
pub(super) struct Seen<'a> {
    pub(super) plan: &'a Plan,
    pub(super) account: Account,
}

/// What mending a problem could save, in the unit of the plan's account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gain {
    amount: f64,
    ratio: f64,
    basis: Basis,
}

/// The most telling plan of a statement; none when it has none.
pub(super) fn seen<'a>(view: &StatementView<'a>) -> Result<Option<Seen<'a>>, Skip> {
    let plans = view.plans()?;
    Ok(plans.first().filter(|it| !it.plan.nodes.is_empty()).map(|it| Seen::of(&it.plan)))
}

/// Judges every node of the most telling plan.
pub(super) fn each(
    view: &StatementView<'_>,
    mut judge: impl FnMut(&Seen<'_>, usize, &Node) -> Option<Finding>,
) -> Judged {
    let Some(seen) = seen(view)? else { return Ok(Vec::new()) };
    let nodes = seen.plan.nodes.iter().enumerate();
    Ok(nodes
        .filter(|(_, node)| !node.never_ran())
        .filter_map(|(at, node)| judge(&seen, at, node))
        .collect())
}

/// The same, of plans that were executed only.
pub(super) fn each_run(
    view: &StatementView<'_>,
    mut judge: impl FnMut(&Seen<'_>, usize, &Node, &Actual) -> Option<Finding>,
) -> Judged {
    each(view, |seen, at, node| judge(seen, at, node, node.actual.as_ref()?))
}

impl<'a> Seen<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        Self { plan, account: plan.account() }
    }

    pub(super) fn node(&self, at: usize) -> &'a Node {
        &self.plan.nodes[at]
    }

    /// Time or cost of the node alone.
    pub(super) fn own(&self, at: usize) -> f64 {
        self.account.own(at)
    }

    /// Time or cost of the node with everything below.
    pub(super) fn whole(&self, at: usize) -> f64 {
        self.account.whole(at)
    }

    /// A saving that is worth a word; nothing for less.
    pub(super) fn gain(&self, cx: &Context<'_>, amount: f64) -> Option<Gain> {
        let (basis, total) = (self.account.basis, self.account.total);
        let amount = amount.min(total);
        let floor = match basis {
            Basis::Time => cx.limit(&MIN_TIME),
            Basis::Cost => cx.limit(&MIN_COST),
        };
        let ratio = if total > 0.0 { amount / total } else { 0.0 };
        (ratio >= cx.limit(&MIN_SHARE) && amount >= floor).then_some(Gain { amount, ratio, basis })
    }

    /// The finding of a node.
    pub(super) fn finding(
        &self,
        cx: &Context<'_>,
        severity: Severity,
        at: usize,
        gain: Gain,
        said: (&str, &str),
    ) -> Finding {
        let node = self.node(at);
        let path = self.plan.path(at);
        let name = node.title();
        let mut subject = Subject::new("node", format!("{path} {name}"));
        if let Some(table) = node.table() {
            subject = subject.of_table(table);
        }
        let message = format!("{name} (node {path}) {}", said.0);
        let finding = cx.finding(severity, subject, message, said.1);
        gain.told(finding, self.account.total)
    }

    /// The finding of the plan as a whole.
    pub(super) fn whole_finding(
        &self,
        cx: &Context<'_>,
        name: &str,
        gain: Gain,
        said: (&str, &str),
    ) -> Finding {
        let severity = Severity::Warning;
        let finding = cx.finding(severity, Subject::new("plan", name), said.0, said.1);
        gain.told(finding, self.account.total)
    }
}

impl Gain {
    fn told(self, finding: Finding, total: f64) -> Finding {
        let percent = words::percent(self.ratio);
        match self.basis {
            Basis::Time => finding
                .with(Evidence::new(AVOIDABLE_TIME, self.amount, Unit::Ms, "EXPLAIN ANALYZE"))
                .promising(format!(
                    "saves up to {} of {} per execution ({percent})",
                    words::millis(self.amount),
                    words::millis(total)
                )),
            Basis::Cost => finding
                .with(Evidence::new(AVOIDABLE_COST, self.amount, Unit::Count, "EXPLAIN (estimate, not time)"))
                .promising(format!(
                    "saves up to {percent} of the planner's cost; an estimate, time was not measured"
                )),
        }
    }
}

/// Evidence of a count that was measured.
pub(super) fn counted(label: &str, value: f64) -> Evidence {
    Evidence::new(label, value, Unit::Count, "EXPLAIN ANALYZE")
}

/// Evidence of a count at a node: what the planner expects, where the plan was not executed.
pub(super) fn reckoned(node: &Node, label: &str, value: f64) -> Evidence {
    match node.actual {
        Some(_) => counted(label, value),
        None => Evidence::new(label, value, Unit::Count, "EXPLAIN (estimate)"),
    }
}

/// Evidence of a text of the plan.
pub(super) fn quoted(label: &str, text: &str) -> Evidence {
    Evidence::new(label, words::shorten(text, 300), Unit::Text, "EXPLAIN")
}

/// Fixes of plans are candidates: a person (or what-if planning) proves them first.
pub(super) const CANDIDATE: FixKind = FixKind::Review;

#[cfg(test)]
pub(super) mod testing {
    //! Plans as text, judged.

    use dbvitals_model::{Finding, Snapshot, pg::DatabaseSnapshot, statement::StatementPlan};

    use crate::{check::Check, testing};

    /// The findings of a check on a plan in the text format.
    pub(in crate::plan) fn found(check: &'static Check, text: &str) -> Vec<Finding> {
        found_with(check, text, |_| {})
    }

    /// The same, beside what the catalogue tells.
    pub(in crate::plan) fn found_with(
        check: &'static Check,
        text: &str,
        edit: impl FnOnce(&mut DatabaseSnapshot),
    ) -> Vec<Finding> {
        testing::findings(check, &planned(text, edit))
    }

    /// A snapshot of a statement with the plans of a text.
    pub(crate) fn planned(text: &str, edit: impl FnOnce(&mut DatabaseSnapshot)) -> Snapshot {
        let plans = dbvitals_query::plan::read(text).unwrap();
        testing::statement(|statement| {
            let plans = plans.into_iter().map(|plan| StatementPlan { plan, ..Default::default() });
            *testing::edit(&mut statement.plans) = plans.collect();
            edit(testing::edit(&mut statement.facts));
        })
    }
}
