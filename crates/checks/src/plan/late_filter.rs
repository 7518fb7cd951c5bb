//! A join that makes far more pairs than its filter lets through.

use dbvitals_model::{Severity, Unit};

use super::{
    expression,
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained, quoted},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A join that makes far more pairs than its filter lets through.
pub static CHECK: Check = Check {
    id: "plan-late-filter",
    title: "A join filter throws most pairs away",
    thresholds: &[&MAX_REMOVED_FACTOR, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "Joins whose `Join Filter` throws away more than `max_removed_factor` times the pairs it keeps, and \
                  more than `min_removed_pairs`.",
        matters: "Pairs grow with the product of both sides. A filter sees each of them; a key would have named the \
                  right ones.",
        fix: "Give the join a key: an equality without casts; split `OR` across tables into branches of a `UNION`.",
        ignore: "True cross comparisons of small sets.",
        references: "PostgreSQL documentation: Using EXPLAIN; Combining Queries.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_REMOVED_FACTOR: Threshold = Threshold {
    key: "max_removed_factor",
    unit: Unit::Factor,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a tenth kept is where making the pairs is most of the work",
};

static MIN_REMOVED: Threshold = Threshold {
    key: "min_removed_pairs",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "ten thousand pairs are compared in about a millisecond",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        let filter = node.conditions.join_filter.as_deref()?;
        let (removed, kept) =
            (actual.removed.by_join_filter * actual.loops, actual.rows * actual.loops);
        if removed <= cx.limit(&MAX_REMOVED_FACTOR) * kept || removed <= cx.limit(&MIN_REMOVED) {
            return None;
        }
        let inner = seen.plan.children(at).filter(|child| !seen.node(*child).is_aside()).nth(1);
        let rescans =
            inner.filter(|_| node.kind == "Nested Loop").map_or(0.0, |inner| seen.whole(inner));
        let gain = seen.gain(cx, (seen.own(at) + rescans) * removed / (removed + kept).max(1.0))?;
        let problem = format!(
            "made {} pairs and threw {} away by its join filter",
            words::count(removed + kept),
            words::count(removed)
        );
        let advice = if filter.contains(" OR ") {
            "An OR between two tables cannot be looked up: write one branch for each side and put them together by \
             UNION (or UNION ALL with the second branch excluding the first)."
        } else if expression::conjuncts(filter).into_iter().any(expression::ties) {
            "The join has an equality, and yet each row of one side was held against all of the other: index the \
             column of the inner side, and see whether the outer side gave more rows than were planned (then mend \
             that guess first)."
        } else {
            "Give the join an equality it can look up or hash by; where the condition is a range, index its column on \
             the inner side. Casts and functions around a join column hide it."
        };
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(
            finding
                .with(counted("pairs thrown away", removed).against(cx.limit(&MIN_REMOVED)))
                .with(counted("pairs kept", kept))
                .with(quoted("join filter", filter)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn join(kept: u64, removed: u64, filter: &str) -> String {
        format!(
            "Nested Loop  (cost=0.4..900.0 rows=100 width=4) (actual time=0.1..500.0 rows={kept} loops=1)\n  \
             Join Filter: {filter}\n  Rows Removed by Join Filter: {removed}\n  \
             ->  Seq Scan on a  (cost=0.0..10.0 rows=100 width=4) (actual time=0.1..5.0 rows=300 loops=1)\n  \
             ->  Seq Scan on b  (cost=0.4..8.0 rows=1 width=4) (actual time=0.1..0.3 rows=1 loops=300)\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &join(1_000, 10_001, "(a.x < b.y)")).len(), 1);
        assert_eq!(found(&CHECK, &join(1_000, 10_000, "(a.x < b.y)")).len(), 0);
        assert_eq!(found(&CHECK, &join(1_001, 10_001, "(a.x < b.y)")).len(), 0);
    }

    #[test]
    fn an_or_across_tables_has_its_own_advice() {
        let finding = found(&CHECK, &join(1, 90_000, "((a.x = b.y) OR (a.z = b.w))")).remove(0);
        assert!(finding.recommendation.contains("UNION"));
    }

    #[test]
    fn an_equality_that_is_there_is_not_asked_for() {
        let advice = |filter| found(&CHECK, &join(1, 90_000, filter)).remove(0).recommendation;
        assert!(advice("(n.region = r.id)").starts_with("The join has an equality"));
        assert!(advice("((n.region)::text = (r.id)::text)").starts_with("Give the join"));
        assert!(advice("(n.at < r.at)").starts_with("Give the join"));
    }
}
