//! A common table expression computed whole and then filtered.

use dbvitals_model::{Severity, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained, quoted};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A common table expression computed whole and then filtered.
pub static CHECK: Check = Check {
    id: "plan-cte-refiltered",
    title: "A common table expression is computed whole for a part of it",
    thresholds: &[&MAX_REMOVED_FACTOR, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "Common table expressions read by one scan that throws away more than `max_removed_factor` times the \
                  rows it keeps, and more than `min_removed_rows`.",
        matters: "A materialised expression is computed in full; no condition from outside reaches it, no index helps.",
        fix: "`NOT MATERIALIZED`, or the condition inside.",
        ignore: "It is materialised on purpose, to keep the planner from a worse plan.",
        references: "PostgreSQL documentation: WITH Queries (Common Table Expressions).",
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
    why: "a tenth kept is where computing the rest is most of the work",
};

static MIN_REMOVED: Threshold = Threshold {
    key: "min_removed_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "ten thousand rows are filtered in about a millisecond",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        if node.kind != "CTE Scan" {
            return None;
        }
        let (name, filter) = (node.cte.as_deref()?, node.conditions.filter.as_deref()?);
        let (removed, kept) = (actual.removed.by_filter * actual.loops, actual.rows * actual.loops);
        if removed <= cx.limit(&MAX_REMOVED_FACTOR) * kept || removed <= cx.limit(&MIN_REMOVED) {
            return None;
        }
        let nodes = &seen.plan.nodes;
        let readers = nodes
            .iter()
            .filter(|it| it.kind == "CTE Scan" && it.cte.as_deref() == Some(name))
            .count();
        let definition = nodes.iter().position(|it| it.defines_cte() == Some(name))?;
        let is_recursive = nodes[definition].kind == "Recursive Union";
        if readers != 1 || is_recursive {
            return None;
        }
        let work = seen.own(at) + seen.whole(definition);
        let gain = seen.gain(cx, work * removed / (removed + kept).max(1.0))?;
        let problem = format!(
            "keeps {} of {} rows of the common table expression {name}",
            words::count(kept),
            words::count(removed + kept)
        );
        let advice = "Write `AS NOT MATERIALIZED` (or take the condition into the expression), so that the planner can \
                      filter where the rows are read. Leave it where the expression writes or calls volatile functions.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(
            finding
                .with(counted("rows thrown away", removed).against(cx.limit(&MIN_REMOVED)))
                .with(counted("rows kept", kept))
                .with(quoted("filter", filter)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn plan(kept: u64, removed: u64, second: &str) -> String {
        format!(
            "Append  (cost=0.0..900.0 rows=10 width=4) (actual time=0.1..300.0 rows={kept} loops=1)\n  CTE x\n    \
             ->  Seq Scan on t  (cost=0.0..90.0 rows=1 width=4) (actual time=0.1..200.0 rows=90000 loops=1)\n  \
             ->  CTE Scan on x  (cost=0.0..9.0 rows=1 width=4) (actual time=0.1..290.0 rows={kept} loops=1)\n        \
             Filter: (id = 7)\n        Rows Removed by Filter: {removed}\n{second}"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &plan(1_000, 10_001, "")).len(), 1);
        assert_eq!(found(&CHECK, &plan(1_000, 10_000, "")).len(), 0);
        assert_eq!(found(&CHECK, &plan(1_001, 10_001, "")).len(), 0);
    }

    #[test]
    fn an_expression_read_twice_has_its_reason() {
        let second = "  ->  CTE Scan on x x_1  (cost=0.0..9.0 rows=1 width=4) (actual time=0.1..1.0 rows=1 loops=1)\n";
        assert_eq!(found(&CHECK, &plan(1, 90_000, second)).len(), 0);
    }
}
