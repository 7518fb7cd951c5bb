//! A plan made without parameters that is far dearer than one made for them.

use dbvitals_model::{
    Evidence, Fix, FixKind, Severity, Subject, Unit, plan::Node, statement::PlanKind,
};

use super::seen::PLAN;
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A plan made without parameters that is far dearer than one made for them.
pub static CHECK: Check = Check {
    id: "plan-generic-worse-than-custom",
    title: "The generic plan is far dearer than one for the values",
    uses: &["settings"],
    thresholds: &[&MAX_FACTOR, &MIN_SAVED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Statements with parameters whose generic plan costs more than `max_cost_factor` times the cheapest plan for known values,
and more than `min_saved_cost` besides. Silent where `plan_cache_mode` keeps the server from using the generic plan.

## Why it matters
A prepared statement is planned without its values after five executions, if that looks no dearer on average. Where values
differ much in how many rows they stand for, the common plan is wrong for the frequent or the rare ones.

## How to fix
`plan_cache_mode = force_custom_plan` for the session or role that runs it; or two statements for two kinds of values.

## When to ignore
Planning takes as long as running it.

## References
PostgreSQL documentation: PREPARE; Query Planning (plan_cache_mode).
",
    run: Run::Statement(run),
    ..PLAN
};

static MAX_FACTOR: Threshold = Threshold {
    key: "max_cost_factor",
    unit: Unit::Factor,
    default: 2.0,
    strict: None,
    range: (1.0, 1e6),
    why: "costs are no more exact than that",
};

static MIN_SAVED: Threshold = Threshold {
    key: "min_saved_cost",
    unit: Unit::Count,
    default: 1_000.0,
    strict: Some(200.0),
    range: (0.0, 1e12),
    why: "a thousand cost units are read from memory in about ten milliseconds",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let plans = view.plans()?;
    let mode = view.settings().ok().and_then(|settings| settings.get("plan_cache_mode"));
    let of = |kind: PlanKind| plans.iter().filter(move |it| it.kind == kind);
    let generic = of(PlanKind::Generic).find_map(|it| Some((it, it.plan.cost()?)));
    let custom = of(PlanKind::Custom).filter_map(|it| it.plan.cost()).min_by(f64::total_cmp);
    let (Some((generic, cost)), Some(custom)) = (generic, custom) else { return Ok(Vec::new()) };
    if mode.is_some_and(|mode| mode.value == "force_custom_plan") {
        return Ok(Vec::new());
    }
    let factor = cost / custom.max(1.0);
    let saved = cost - custom;
    if factor <= cx.limit(&MAX_FACTOR) || saved < cx.limit(&MIN_SAVED) {
        return Ok(Vec::new());
    }
    let root = generic.plan.root().map(Node::title).unwrap_or_default();
    let problem = format!(
        "the generic plan ({root}) costs {}, {} times the plan for known values ({})",
        words::count(cost),
        words::count(factor),
        words::count(custom)
    );
    let advice = "Plan this statement for its values each time (plan_cache_mode), if it runs long enough to be worth the \
                  planning; or split it where its values ask for different plans (a rare and a frequent one).";
    let fix = Fix::new(FixKind::Review, ["SET plan_cache_mode = force_custom_plan;".to_owned()])
        .locking("none", "nothing; it lasts for the session")
        .undone_by(["RESET plan_cache_mode;".to_owned()]);
    let subject = Subject::new("plan", "generic");
    let finding = cx.finding(Severity::Warning, subject, problem, advice);
    Ok(vec![
        finding
            .with(Evidence::new("cost of the generic plan", cost, Unit::Count, "EXPLAIN"))
            .with(Evidence::new("cheapest for known values", custom, Unit::Count, "EXPLAIN"))
            .with(
                Evidence::new("factor", factor, Unit::Factor, "EXPLAIN")
                    .against(cx.limit(&MAX_FACTOR)),
            )
            .promising("an estimate by the planner's cost; time was not compared")
            .fixed_by(fix),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::testing;
    use dbvitals_model::statement::StatementPlan;

    fn judged(costs: &[(PlanKind, f64)]) -> usize {
        let snapshot = testing::statement(|statement| {
            let plans = costs.iter().map(|(kind, cost)| {
                let text = format!("Result  (cost=0.0..{cost} rows=1 width=1)");
                let plan = dbvitals_query::plan::read(&text).unwrap().remove(0);
                StatementPlan { kind: *kind, plan, ..StatementPlan::default() }
            });
            *testing::edit(&mut statement.plans) = plans.collect();
        });
        testing::findings(&CHECK, &snapshot).len()
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(
            judged(&[
                (PlanKind::Generic, 4_001.0),
                (PlanKind::Custom, 2_000.0),
                (PlanKind::Custom, 9_000.0)
            ]),
            1
        );
        assert_eq!(judged(&[(PlanKind::Generic, 4_000.0), (PlanKind::Custom, 2_000.0)]), 0);
        assert_eq!(
            judged(&[(PlanKind::Generic, 1_000.0), (PlanKind::Custom, 1.0)]),
            0,
            "too cheap to matter"
        );
    }

    #[test]
    fn one_plan_alone_is_compared_with_nothing() {
        assert_eq!(judged(&[(PlanKind::Generic, 90_000.0)]), 0);
        assert_eq!(judged(&[(PlanKind::Given, 90_000.0), (PlanKind::Custom, 1.0)]), 0);
    }
}
