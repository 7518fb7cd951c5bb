//! A nested loop chosen for a few rows that got many.

use dbvitals_model::{Severity, Unit};

use super::seen::{Gain, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, Seen, counted, each_run, explained};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A nested loop chosen for a few rows that got many.
pub static CHECK: Check = Check {
    id: "plan-nested-loop-misestimate",
    title: "A nested loop runs far more often than was planned",
    thresholds: &[&MIN_LOOPS, &MAX_FACTOR, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "Nested loops whose inner side ran more than `min_loops` times, while the outer side gave more than \
                  `max_estimate_factor` times the rows planned.",
        matters: "A nested loop is best for few rows and worst for many: an estimate that is too low by a factor makes \
                  it slower by that factor, where a hash join would not care.",
        fix: "Mend the estimate: `ANALYZE`, extended statistics for columns that depend on one another, statistics \
                  on an expression.",
        ignore: "The inner side is answered from memory in microseconds and the whole is fast enough.",
        references: "PostgreSQL documentation: Planner Statistics; Extended Statistics.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_LOOPS: Threshold = Threshold {
    key: "min_loops",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a thousand lookups take about a millisecond",
};

static MAX_FACTOR: Threshold = Threshold {
    key: "max_estimate_factor",
    unit: Unit::Factor,
    default: 10.0,
    strict: None,
    range: (1.0, 1e6),
    why: "below ten the planner would mostly have chosen the same",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, _, _| {
        let it = Loop::of(seen, cx, at)?;
        // A loop above another one runs often because that one does.
        let mut below = it.outer..seen.plan.end_of(it.outer);
        if below.any(|below| Loop::of(seen, cx, below).is_some()) {
            return None;
        }
        let problem = format!(
            "runs its inner side {} times; {} rows were planned to come from {} and {} came",
            words::count(it.loops),
            words::count(it.planned),
            seen.node(it.outer).title(),
            words::count(it.came)
        );
        let advice = "Mend the estimate of the outer side first: ANALYZE, a higher statistics target, CREATE STATISTICS. \
                      Then see whether the planner still chooses the loop; only then index the inner side or rewrite.";
        let finding = seen.finding(cx, Severity::Warning, at, it.gain, (&problem, advice));
        Some(
            finding
                .with(counted("runs of the inner side", it.loops).against(cx.limit(&MIN_LOOPS)))
                .with(counted("rows planned from the outer side", it.planned))
                .with(counted("rows that came", it.came)),
        )
    })
}

/// A nested loop whose outer side gave far more rows than were planned, and what that cost.
struct Loop {
    outer: usize,
    loops: f64,
    planned: f64,
    came: f64,
    gain: Gain,
}

impl Loop {
    fn of(seen: &Seen<'_>, cx: &Context<'_>, at: usize) -> Option<Self> {
        if seen.node(at).kind != "Nested Loop" {
            return None;
        }
        let mut inputs = seen.plan.children(at).filter(|child| !seen.node(*child).is_aside());
        let (outer, inner) = (inputs.next()?, inputs.next()?);
        let came = seen.node(outer).actual?.rows;
        let planned = seen.node(outer).estimate?.rows.max(1.0);
        let loops = seen.node(inner).loops()?;
        let factor = came / planned;
        if loops <= cx.limit(&MIN_LOOPS) || factor <= cx.limit(&MAX_FACTOR) {
            return None;
        }
        let gain = seen.gain(cx, seen.whole(inner) * (1.0 - 1.0 / factor))?;
        Some(Self { outer, loops, planned, came, gain })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn nested(outer_rows: u64) -> String {
        format!(
            "Nested Loop  (cost=0.4..900.0 rows=100 width=4) (actual time=0.1..500.0 rows={outer_rows} loops=1)\n  \
             ->  Seq Scan on a  (cost=0.0..10.0 rows=100 width=4) (actual time=0.1..5.0 rows={outer_rows} loops=1)\n  \
             ->  Index Scan using i on b  (cost=0.4..8.0 rows=1 width=4) (actual time=0.1..0.3 rows=1 loops={outer_rows})\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &nested(1_001)).len(), 1);
        assert_eq!(found(&CHECK, &nested(1_000)).len(), 0);
    }

    #[test]
    fn many_loops_that_were_planned_are_no_problem() {
        assert_eq!(found(&CHECK, &nested(5_000).replace("rows=100 ", "rows=4000 ")).len(), 0);
    }

    #[test]
    fn of_loops_in_loops_the_lowest_is_named() {
        let plan = "Nested Loop  (cost=0.4..900.0 rows=100 width=4) (actual time=0.1..900.0 rows=5000 loops=1)\n  \
             ->  Nested Loop  (cost=0.4..900.0 rows=100 width=4) (actual time=0.1..500.0 rows=5000 loops=1)\n        \
             ->  Seq Scan on a  (cost=0.0..10.0 rows=100 width=4) (actual time=0.1..5.0 rows=5000 loops=1)\n        \
             ->  Index Scan using i on b  (cost=0.4..8.0 rows=1 width=4) (actual time=0.1..0.1 rows=1 loops=5000)\n  \
             ->  Index Scan using i on c  (cost=0.4..8.0 rows=1 width=4) (actual time=0.1..0.1 rows=1 loops=5000)\n";
        let found = found(&CHECK, plan);
        let names: Vec<&str> = found.iter().map(|it| it.subject.name.as_str()).collect();
        assert_eq!(names, ["1.1 Nested Loop"]);
    }
}
