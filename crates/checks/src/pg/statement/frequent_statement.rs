//! Statements that make up much of what the server is asked.

use dbvitals_model::{Evidence, Severity, Unit, pg::statement::Statement};

use super::{
    command,
    load::{self, LISTED, Load},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Calls against the calls of all statements.
pub static CHECK: Check = Check {
    id: "pg-frequent-statement",
    title: "Frequent statement",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[&CALLS, &CALL_RATIO],
    fix: None,
    explain: "\
## What it detects
Statements with at least `min_calls` calls that are more than `min_call_ratio` of all calls.

## Why it matters
Each call costs a round trip and parsing besides its execution. A statement that is fast but called for
every row of a page, or for every check of a connection, adds up.

## How to fix
Fetch sets instead of single rows, cache what seldom changes, take validation queries out of the pool.

## When to ignore
The one statement an application exists for. `BEGIN`, `COMMIT` and the like are never reported.

## References
PostgreSQL documentation: pg_stat_statements.
",
    run: Run::Postgres(run),
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "below a thousand calls, shares say little",
};

static CALL_RATIO: Threshold = Threshold {
    key: "min_call_ratio",
    unit: Unit::Ratio,
    default: 0.25,
    strict: Some(0.05),
    range: (0.0, 1.0),
    why: "each statement of an ordinary transaction is a tenth of all calls: a quarter stands out; the strict \
          profile names every twentieth call",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let found = load.by(|s| s.calls as f64).filter_map(|statement| {
        let name = load::name(statement);
        let calls = statement.calls as f64;
        let ratio = calls / load.calls.max(1.0);
        let control = statement.text.as_deref().is_some_and(command::is_transaction_control);
        let frequent =
            calls >= cx.limit_for(&CALLS, &name) && ratio > cx.limit_for(&CALL_RATIO, &name);
        (frequent && !control).then(|| {
            let share = words::percent(ratio);
            let problem = format!("is {share} of all calls ({})", words::count(calls));
            let found = load.finding(cx, Severity::Info, statement, &problem, advice(statement));
            found.with(
                Evidence::new("share of all calls", ratio, Unit::Ratio, load.source("calls"))
                    .against(cx.limit_for(&CALL_RATIO, &name)),
            )
        })
    });
    Ok(found.take(LISTED).collect())
}

fn advice(statement: &Statement) -> &'static str {
    if statement.rows <= statement.calls {
        "Fetch what it asks one by one in sets, or cache it; take validation queries out of the pool."
    } else {
        "Ask less often: cache what seldom changes."
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn found(calls: i64) -> usize {
        testing::findings(&CHECK, &with(vec![Statement { calls, ..statement() }])).len()
    }

    #[test]
    fn the_share_has_two_sides() {
        assert_eq!(found(25_250), 0, "25 % exactly");
        assert_eq!(found(25_251), 1);
    }

    #[test]
    fn few_calls_have_no_share() {
        let few = |calls| {
            let mut snapshot = with(vec![Statement { calls, ..statement() }]);
            if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
                testing::edit(&mut pg.statements).total_calls = 2000;
            }
            testing::findings(&CHECK, &snapshot).len()
        };
        assert_eq!((few(999), few(1000)), (0, 1));
    }

    #[test]
    fn transaction_control_is_as_frequent_as_transactions_are() {
        let begin = Statement { text: Some("BEGIN".into()), calls: 50_000, ..statement() };
        assert!(testing::findings(&CHECK, &with(vec![begin])).is_empty());
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
