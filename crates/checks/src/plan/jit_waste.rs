//! Compilation that takes a good part of a short statement.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, Seen, explained, seen};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// Compilation that takes a good part of a short statement.
pub static CHECK: Check = Check {
    id: "plan-jit-waste",
    title: "A short statement is compiled",
    thresholds: &[&MAX_JIT, &MAX_TIME, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Statements shorter than `max_time_ms` that spend more than `max_jit_ratio` of it on just-in-time \
                  compilation.",
        matters: "Compilation takes tens of milliseconds and is done again at every execution; only statements that \
                  run for seconds earn it back.",
        fix: "Raise `jit_above_cost`, or switch `jit` off where short statements run.",
        ignore: "Analytical statements that are slower without it.",
        references: "PostgreSQL documentation: Just-in-Time Compilation.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_JIT: Threshold = Threshold {
    key: "max_jit_ratio",
    unit: Unit::Ratio,
    default: 0.25,
    strict: None,
    range: (0.0, 1.0),
    why: "compiled expressions rarely save a quarter of the time",
};

static MAX_TIME: Threshold = Threshold {
    key: "max_time_ms",
    unit: Unit::Ms,
    default: 1_000.0,
    strict: None,
    range: (0.0, 1e9),
    why: "what runs for a second or more may earn its compilation",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let Some(seen) = seen(view)? else { return Ok(Vec::new()) };
    Ok(judge(&seen, cx).into_iter().collect())
}

fn judge(seen: &Seen<'_>, cx: &Context<'_>) -> Option<Finding> {
    let jit = seen.plan.jit.as_ref()?;
    let (spent, all) = (jit.total_ms?, seen.plan.elapsed_ms()?);
    let ratio = spent / all.max(spent).max(f64::MIN_POSITIVE);
    if ratio <= cx.limit(&MAX_JIT) || all >= cx.limit(&MAX_TIME) {
        return None;
    }
    let gain = seen.gain(cx, spent)?;
    let problem = format!(
        "just-in-time compilation took {} of {} ({} functions)",
        words::millis(spent),
        words::millis(all),
        words::count(jit.functions as f64)
    );
    let advice = "Raise jit_above_cost above this statement's cost, or switch jit off for the role that runs short \
                  statements. If the cost was far too high for what the statement does, mend the estimates first.";
    let cost = seen.plan.cost().unwrap_or(0.0);
    let above = (cost * 2.0).max(100_000.0).ceil();
    let fix = Fix::new(FixKind::Review, [format!("SET LOCAL jit_above_cost = {above:.0};")])
        .locking("none", "nothing; it lasts until the end of the transaction")
        .undone_by(["RESET jit_above_cost;".to_owned()]);
    Some(
        seen.whole_finding(cx, "compilation", gain, (&problem, advice))
            .with(
                Evidence::new("share of the time", ratio, Unit::Ratio, "EXPLAIN ANALYZE")
                    .against(cx.limit(&MAX_JIT)),
            )
            .with(Evidence::new("planner's cost", cost, Unit::Count, "EXPLAIN"))
            .fixed_by(fix),
    )
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn plan(jit: f64, all: f64) -> String {
        format!(
            "Result  (cost=0.0..150000.0 rows=10 width=4) (actual time=0.1..{all} rows=10 loops=1)\nJIT:\n  Functions: 6\n  \
             Options: Inlining true, Optimization true, Expressions true, Deforming true\n  \
             Timing: Generation 1.0 ms, Inlining 1.0 ms, Optimization 1.0 ms, Emission 1.0 ms, Total {jit} ms\n\
             Execution Time: {all} ms\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        let finding = found(&CHECK, &plan(26.0, 100.0)).remove(0);
        assert_eq!(finding.fix.unwrap().statements, ["SET LOCAL jit_above_cost = 300000;"]);
        assert_eq!(found(&CHECK, &plan(25.0, 100.0)).len(), 0);
        assert_eq!(
            found(&CHECK, &plan(900.0, 1_000.0)).len(),
            0,
            "a statement of a second may earn it"
        );
    }

    #[test]
    fn a_moment_of_compilation_stays_silent() {
        assert_eq!(found(&CHECK, &plan(4.0, 8.0)).len(), 0);
    }
}
