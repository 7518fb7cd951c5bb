//! Statements that take longer to plan than to run.

use dbvitals_model::{Evidence, Severity, Unit, pg::statement::Statement};

use super::load::{self, LISTED, Load, MIN_BUSY};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Planning time against execution time.
pub static CHECK: Check = Check {
    id: "pg-statement-planning-heavy",
    title: "Planning takes longer than execution",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["statements", "statements_status"],
    uses: &["window"],
    thresholds: &[&PLAN_FACTOR, &MIN_BUSY],
    fix: None,
    explain: "\
## What it detects
Statements whose planning takes more than `max_plan_factor` times as long as their execution, and keeps
one session busy for at least `min_busy_ratio` of the time.

## Why it matters
The work is done again for every call, and its answer is thrown away.

## How to fix
Prepare the statement once per connection (drivers and poolers can do it), have fewer partitions in
reach, and fewer joins: `join_collapse_limit` bounds the search.

## When to ignore
Statements that are already fast enough. Those planned less than every other time are prepared already
and never reported. Needs `pg_stat_statements.track_planning`, which costs a
little on servers with many short statements.

## References
PostgreSQL documentation: pg_stat_statements; PREPARE.
",
    run: Run::Postgres(run),
};

static PLAN_FACTOR: Threshold = Threshold {
    key: "max_plan_factor",
    unit: Unit::Factor,
    default: 1.0,
    strict: None,
    range: (0.1, 1000.0),
    why: "from here on most of the time is spent on deciding how, not on doing",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, status) = (pg.statements()?, pg.statements_status()?);
    let window = pg.window().ok();
    if status.track_planning != Some(true) {
        return Err(Skip::disabled(
            "pg_stat_statements.track_planning is off: planning times are not taken",
            "ALTER SYSTEM SET pg_stat_statements.track_planning = 'on'; SELECT pg_reload_conf();",
        ));
    }
    let load = Load::of(pg, statements, window)?;
    let found = load.by(|s| s.total_plan_time_ms).filter_map(|statement| {
        let name = load::name(statement);
        let (plan, run) = (statement.total_plan_time_ms, statement.total_exec_time_ms);
        let heavy = plan > run.max(0.0) * cx.limit_for(&PLAN_FACTOR, &name)
            && !is_prepared(statement)
            && load.is_busy(cx, plan, &name);
        heavy.then(|| {
            let each = plan / statement.plans as f64;
            let problem = format!(
                "takes {} to plan and {} to run",
                words::millis(each),
                words::millis(load::mean_ms(statement))
            );
            let advice =
                "Prepare it once per connection; bring fewer partitions and joins into reach.";
            load.finding(cx, Severity::Info, statement, &problem, advice)
                .with(Evidence::new(
                    "planning per plan",
                    each,
                    Unit::Ms,
                    load.source("total_plan_time"),
                ))
                .with(Evidence::new("plans", statement.plans, Unit::Count, load.source("plans")))
        })
    });
    Ok(found.take(LISTED).collect())
}

/// Planned less than every other time it runs: there is little left to save.
fn is_prepared(statement: &Statement) -> bool {
    statement.plans <= 0 || statement.plans.saturating_mul(2) < statement.calls
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, TargetData};

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn planned(total_plan_time_ms: f64) -> Statement {
        Statement { total_plan_time_ms, plans: 1000, ..statement() }
    }

    fn found(statement: Statement) -> usize {
        testing::findings(&CHECK, &with(vec![statement])).len()
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(found(planned(10_000.0)), 0, "as long as it runs");
        assert_eq!(found(planned(10_000.1)), 1);
        let short = Statement { total_exec_time_ms: 1.0, ..planned(9_999.0) };
        assert_eq!(found(short), 0, "planned for less than 1 % of the time");
    }

    #[test]
    fn statements_that_are_prepared_already_are_silent() {
        assert_eq!(found(Statement { plans: 0, ..planned(1e9) }), 0);
        assert_eq!(found(Statement { plans: 499, ..planned(1e9) }), 0);
        assert_eq!(found(Statement { plans: 500, ..planned(1e9) }), 1);
    }

    #[test]
    fn is_skipped_with_the_remedy_when_planning_is_not_tracked() {
        let mut snapshot = with(vec![planned(1e6)]);
        if let TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
            testing::edit(&mut pg.statements_status).track_planning = Some(false);
        }
        let skip = testing::skipped(&CHECK, &snapshot);
        assert_eq!(skip.0.reason, Reason::Disabled);
        assert!(skip.0.remedy.unwrap().contains("track_planning"));
        testing::skipped(&CHECK, &without_statements());
    }
}
