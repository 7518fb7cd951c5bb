//! A subquery that is run for every row.

use dbvitals_model::{Severity, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each, explained, quoted, reckoned};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A subquery that is run for every row.
pub static CHECK: Check = Check {
    id: "plan-subplan-per-row",
    title: "A subquery runs once for each row",
    thresholds: &[&MIN_LOOPS, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "Subqueries in expressions that are neither hashed nor run once, and run more than `min_runs` times.",
        matters: "The planner cannot turn such a subquery into a join: it costs what one run costs, times the rows.",
        fix: "Write it as a join with the grouped inner table, as `LATERAL`, or as `EXISTS`; index the column that \
                  ties both.",
        ignore: "Each run is a lookup by key and the rows are few.",
        references: "PostgreSQL documentation: Subquery Expressions; LATERAL.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_LOOPS: Threshold = Threshold {
    key: "min_runs",
    unit: Unit::Count,
    default: 100.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a hundred lookups take no time that can be felt",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each(view, |seen, at, node| {
        let name =
            node.subplan.as_deref().filter(|_| node.relationship.as_deref() == Some("SubPlan"))?;
        let parent = seen.node(node.parent?);
        let hashed = format!("hashed {name}");
        if parent.expressions().any(|text| text.contains(&hashed)) {
            return None;
        }
        let loops = match node.loops() {
            Some(loops) => loops,
            None => parent.estimate?.rows,
        };
        if loops <= cx.limit(&MIN_LOOPS) {
            return None;
        }
        let gain = seen.gain(cx, seen.whole(at) * 0.9)?;
        let problem =
            format!("is a subquery ({name}) run {} times, once for each row", words::count(loops));
        let advice = "Join instead: group the inner table by the column that ties it to the outer one and join the \
                      result, or use EXISTS as a semi-join. Where each row needs only a few of many, an index on that \
                      column makes each run cheap.";
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(reckoned(node, "runs", loops).against(cx.limit(&MIN_LOOPS)));
        let condition =
            node.conditions.filter.as_deref().map(|filter| quoted("its filter", filter));
        Some(match condition {
            Some(evidence) => finding.with(evidence),
            None => finding,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn scan(filter: &str, loops: u64) -> String {
        format!(
            "Seq Scan on a  (cost=0.0..90000.0 rows=10 width=4) (actual time=0.1..100.0 rows=10 loops=1)\n  \
             Filter: {filter}\n  SubPlan 1\n    \
             ->  Aggregate  (cost=0.0..90.0 rows=1 width=4) (actual time=0.1..0.4 rows=1 loops={loops})\n"
        )
    }

    #[test]
    fn the_limit_has_two_sides() {
        assert_eq!(found(&CHECK, &scan("(x > (SubPlan 1))", 101)).len(), 1);
        assert_eq!(found(&CHECK, &scan("(x > (SubPlan 1))", 100)).len(), 0);
    }

    #[test]
    fn a_hashed_subquery_runs_once() {
        assert_eq!(found(&CHECK, &scan("(NOT (hashed SubPlan 1))", 1_000)).len(), 0);
    }
}
