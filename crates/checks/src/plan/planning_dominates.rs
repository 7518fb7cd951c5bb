//! A statement planned for longer than it runs.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use super::seen::{PLAN, Seen, seen};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A statement planned for longer than it runs.
pub static CHECK: Check = Check {
    id: "plan-planning-dominates",
    title: "Planning takes longer than execution",
    severity: Severity::Info,
    thresholds: &[&MAX_PLANNING, &MIN_PLANNING],
    explain: "\
## What it detects
Statements whose planning takes more than `max_planning_ratio` of planning and execution together, and more than
`min_planning_ms`.

## Why it matters
A statement that is planned anew each time costs the server its planning, too.

## How to fix
Prepare it; let partitions be pruned before they are planned; drop indexes nobody uses.

## When to ignore
Reports run once: a planner that thinks for 20 ms to save seconds does well.

## References
PostgreSQL documentation: PREPARE; Table Partitioning.
",
    run: Run::Statement(run),
    ..PLAN
};

static MAX_PLANNING: Threshold = Threshold {
    key: "max_planning_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "more than half of the time is spent before anything is done",
};

static MIN_PLANNING: Threshold = Threshold {
    key: "min_planning_ms",
    unit: Unit::Ms,
    default: 5.0,
    strict: None,
    range: (0.0, 1e6),
    why: "a first planning reads catalogues for some milliseconds",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let Some(seen) = seen(view)? else { return Ok(Vec::new()) };
    Ok(judge(&seen, cx).into_iter().collect())
}

fn judge(seen: &Seen<'_>, cx: &Context<'_>) -> Option<Finding> {
    let (planning, execution) = (seen.plan.planning_ms?, seen.plan.elapsed_ms()?);
    let ratio = planning / (planning + execution).max(f64::MIN_POSITIVE);
    if ratio <= cx.limit(&MAX_PLANNING) || planning <= cx.limit(&MIN_PLANNING) {
        return None;
    }
    let relations = seen.plan.nodes.iter().filter(|node| node.relation.is_some()).count();
    let problem = format!(
        "planning took {}, execution {}; the plan reads {relations} tables and partitions",
        words::millis(planning),
        words::millis(execution)
    );
    let advice = "Prepare the statement once per session (a pooler in transaction mode may have to be told to). Compare \
                  the partition key with constants, so that partitions are left out before they are planned; drop \
                  indexes nobody uses. The first planning of a session is slower than all later ones: look twice.";
    let subject = Subject::new("plan", "planning");
    Some(
        cx.finding(Severity::Info, subject, problem, advice)
            .with(
                Evidence::new("planning", planning, Unit::Ms, "EXPLAIN")
                    .against(cx.limit(&MIN_PLANNING)),
            )
            .with(Evidence::new("execution", execution, Unit::Ms, "EXPLAIN ANALYZE"))
            .with(
                Evidence::new("share of both", ratio, Unit::Ratio, "EXPLAIN")
                    .against(cx.limit(&MAX_PLANNING)),
            )
            .promising(format!("saves up to {} per execution", words::millis(planning))),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn plan(planning: f64, execution: f64) -> String {
        format!(
            "Result  (cost=0.0..1.0 rows=10 width=4) (actual time=0.1..0.1 rows=10 loops=1)\n\
             Planning Time: {planning} ms\nExecution Time: {execution} ms\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &plan(10.1, 10.0)).len(), 1);
        assert_eq!(found(&CHECK, &plan(10.0, 10.0)).len(), 0);
        assert_eq!(found(&CHECK, &plan(5.0, 0.1)).len(), 0, "no more than a first planning takes");
    }
}
