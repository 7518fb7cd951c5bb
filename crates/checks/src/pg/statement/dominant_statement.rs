//! One statement that takes much of all execution time.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    command,
    load::{self, LISTED, Load, MIN_BUSY, mean_ms},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Execution time against that of all statements.
pub static CHECK: Check = Check {
    id: "pg-dominant-statement",
    title: "Dominant statement",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[&TIME_RATIO, &MIN_CALLS, &MIN_BUSY],
    fix: None,
    explain: "\
## What it detects
A statement that takes more than `max_time_ratio` of the execution time of all statements, on a server
where it keeps one session busy for at least `min_busy_ratio` of the time. It must have been called
`min_calls` times.

## Why it matters
It is the one place where tuning pays, and the one whose next change of plan takes the server down.

## How to fix
Make it cheaper (`EXPLAIN (ANALYZE, BUFFERS)` with real parameters) when its mean is high; call it less
often (sets instead of single rows, a cache) when its mean is low.

## When to ignore
Servers that exist for one statement. DDL, vacuum and copies are never reported.

## References
PostgreSQL documentation: pg_stat_statements.
",
    run: Run::Postgres(run),
};

static TIME_RATIO: Threshold = Threshold {
    key: "max_time_ratio",
    unit: Unit::Ratio,
    default: 0.3,
    strict: None,
    range: (0.0, 1.0),
    why: "at most three statements can take as much; the load stands on one of them",
};

static MIN_CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 20.0,
    strict: None,
    range: (1.0, 1e9),
    why: "as many as working days in a month: what ran less often was a load or a report, an event",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let found = load.by(|s| s.total_exec_time_ms).filter_map(|statement| {
        let name = load::name(statement);
        let time = statement.total_exec_time_ms;
        let ratio = load.time_ratio(time);
        let is_event = (statement.calls as f64) < cx.limit_for(&MIN_CALLS, &name);
        let dominant =
            !is_event && ratio > cx.limit_for(&TIME_RATIO, &name) && load.is_busy(cx, time, &name);
        if !dominant || statement.text.as_deref().is_some_and(command::is_maintenance) {
            return None;
        }
        let advice = if mean_ms(statement) >= 10.0 {
            "Tune this one first: run EXPLAIN (ANALYZE, BUFFERS) with real parameters."
        } else {
            "Call it less often: fetch sets instead of single rows, or cache its answer."
        };
        let problem = format!("takes {} of all execution time", words::percent(ratio));
        let limit = cx.limit_for(&TIME_RATIO, &name);
        let found = load.finding(cx, Severity::Warning, statement, &problem, advice);
        let found = load::held_against(found, "share of all execution time", limit);
        Some(found.with(Evidence::new(
            "total time",
            time,
            Unit::Ms,
            load.source("total_exec_time"),
        )))
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

    fn found(total_exec_time_ms: f64) -> usize {
        let statement = Statement { total_exec_time_ms, ..statement() };
        testing::findings(&CHECK, &with(vec![statement])).len()
    }

    #[test]
    fn the_share_has_two_sides() {
        assert_eq!(found(303_000.0), 0, "30 % exactly");
        assert_eq!(found(303_001.0), 1);
    }

    #[test]
    fn what_ran_a_few_times_was_an_event() {
        let called = |calls: i64| {
            let time = Statement { total_exec_time_ms: 900_000.0, calls, ..statement() };
            testing::findings(&CHECK, &with(vec![time])).len()
        };
        assert_eq!((called(19), called(20)), (0, 1));
    }

    #[test]
    fn an_idle_server_has_no_dominant_statement() {
        let idle = |time: f64| {
            let mut snapshot = with(vec![Statement { total_exec_time_ms: time, ..statement() }]);
            if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
                testing::edit(&mut pg.statements).total_exec_time_ms = 0.0;
            }
            testing::findings(&CHECK, &snapshot).len()
        };
        assert_eq!((idle(9_999.0), idle(10_000.0)), (0, 1));
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
