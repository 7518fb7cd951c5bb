//! Statements that are sometimes far slower than usual.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    command,
    load::{self, LISTED, Load, mean_ms},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Standard deviation against the mean.
pub static CHECK: Check = Check {
    id: "pg-erratic-statement",
    title: "Erratic statement",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &[],
    thresholds: &[&SPREAD, &SLOWEST, &CALLS],
    fix: None,
    explain: "\
## What it detects
Statements with at least `min_calls` calls whose standard deviation is more than `max_spread_factor`
times their mean and whose slowest call took at least `min_max_ms`.

## Why it matters
The mean looks fine while some users wait: for a lock, for a cold cache, or because the plan fits some
parameters and not others.

## How to fix
Catch a slow call: `auto_explain` and `log_lock_waits` show whether it waited or had another plan. Extended
statistics, or `plan_cache_mode = force_custom_plan` for the role, help when parameters are skewed.

## When to ignore
Statements whose work depends on their parameters by nature, such as a search over any period.

## References
PostgreSQL documentation: pg_stat_statements; auto_explain; `plan_cache_mode`.
",
    run: Run::Postgres(run),
};

static SPREAD: Threshold = Threshold {
    key: "max_spread_factor",
    unit: Unit::Factor,
    default: 3.0,
    strict: None,
    range: (0.5, 1000.0),
    why: "times of one plan on warm data spread by less than their mean; three times is another cause",
};

static SLOWEST: Threshold = Threshold {
    key: "min_max_ms",
    unit: Unit::Ms,
    default: 1000.0,
    strict: None,
    range: (0.0, 3_600_000.0),
    why: "a spread of milliseconds is noise; a second is a user who waits",
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (2.0, 1e9),
    why: "fewer calls have no usual time to differ from",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    // Extremes and deviations of a window cannot be told from two looks: always since the reset.
    let load = Load::since_reset(pg, pg.statements()?)?;
    let found = load.by(|s| s.max_exec_time_ms).filter_map(|statement| {
        let name = load::name(statement);
        let mean = mean_ms(statement);
        let few = (statement.calls as f64) < cx.limit_for(&CALLS, &name);
        if few || mean <= 0.0 || statement.text.as_deref().is_some_and(command::is_maintenance) {
            return None;
        }
        let spread = statement.stddev_exec_time_ms / mean;
        let slowest = statement.max_exec_time_ms;
        let erratic =
            spread > cx.limit_for(&SPREAD, &name) && slowest >= cx.limit_for(&SLOWEST, &name);
        erratic.then(|| {
            let problem = format!(
                "usually takes {} but once took {}",
                words::millis(mean),
                words::millis(slowest)
            );
            let advice = "Find out whether slow calls wait for locks, read cold data or have another \
                          plan: log_lock_waits and auto_explain tell.";
            load.finding(cx, Severity::Info, statement, &problem, advice)
                .with(
                    Evidence::new(
                        "deviation / mean",
                        spread,
                        Unit::Factor,
                        load.source("stddev_exec_time"),
                    )
                    .against(cx.limit_for(&SPREAD, &name)),
                )
                .with(
                    Evidence::new("slowest call", slowest, Unit::Ms, load.source("max_exec_time"))
                        .against(cx.limit_for(&SLOWEST, &name)),
                )
        })
    });
    Ok(found.take(LISTED).collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::statement::Statement;

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn found(stddev: f64, max: f64, calls: i64) -> usize {
        let erratic = Statement {
            calls,
            total_exec_time_ms: 10.0 * calls as f64,
            stddev_exec_time_ms: stddev,
            max_exec_time_ms: max,
            ..statement()
        };
        testing::findings(&CHECK, &with(vec![erratic])).len()
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(found(30.1, 1000.0, 50), 1);
        assert_eq!(found(30.0, 1000.0, 50), 0);
        assert_eq!(found(30.1, 999.9, 50), 0);
        assert_eq!(found(30.1, 1000.0, 49), 0);
    }

    #[test]
    fn no_time_at_all_is_no_spread() {
        let zero = Statement {
            total_exec_time_ms: 0.0,
            stddev_exec_time_ms: 1.0,
            max_exec_time_ms: 2000.0,
            ..statement()
        };
        assert!(testing::findings(&CHECK, &with(vec![zero])).is_empty());
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
