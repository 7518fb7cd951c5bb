//! Policies whose functions take long.

use std::collections::BTreeMap;

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit, pg::row_security::PolicyFunction,
};

use super::policy::EVALUATION;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::config::advice::listed,
    skip::{Judged, Skip},
    view::DatabaseView,
    words,
};

/// Time of the functions that policies call, as the server counts it.
pub static CHECK: Check = Check {
    id: "pg-rls-slow",
    title: "Slow row-level security",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policy_functions"],
    uses: &["settings", "databases"],
    thresholds: &[&EVALUATION, &CALLS, &BUSY],
    fix: None,
    explain: "\
## What it detects
A function that a policy calls takes more than `max_evaluation_ms` on average over at least `min_calls` calls, or
its calls together keep one session busy for at least `max_busy_ratio` of the time. Calls are counted by the server
(`track_functions`: `pl` for functions in procedural languages, `all` for those in SQL and C too; SQL functions that
are inlined are not counted).

## Why it matters
A policy is part of every statement on its table. What its function costs is paid for each row it is asked about,
before any condition of the statement itself that is not leakproof.

## How to fix
Call it once per statement: `(SELECT f())` in the policy, for functions that do not take a column. Declare it
`STABLE`. Where it looks something up, index that lookup, or let the policy compare a column with a value from
`current_setting`.

## When to ignore
Functions that are slow at something else: a trigger or the application may call the same one.

## References
PostgreSQL documentation: Row Security Policies; `track_functions`; pg_stat_user_functions.
",
    run: Run::Database(run),
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "the first calls of a session compile and plan the function; a few calls say little",
};

static BUSY: Threshold = Threshold {
    key: "max_busy_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 100.0),
    why: "five percent of a core spent on asking for permission is worth a look at how often it is asked",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (functions, settings) = (db.policy_functions()?, db.server().settings().ok());
    let seconds = db.statistics_age_days().map(|days| days * 86_400.0);
    let mut by_function: BTreeMap<i64, Vec<&PolicyFunction>> = BTreeMap::new();
    for function in functions {
        by_function.entry(function.function_oid).or_default().push(function);
    }
    let tracked = settings.and_then(|settings| settings.text("track_functions"));
    let uncounted =
        by_function.values().any(|uses| uses[0].calls.is_none() && !is_counted(uses[0], tracked));
    let found: Vec<_> =
        by_function.values().filter_map(|uses| judge(db, cx, uses, seconds)).collect();
    if found.is_empty() && uncounted {
        return Err(Skip::disabled(
            "calls of the functions that policies use are not counted",
            "ALTER SYSTEM SET track_functions = 'all'; SELECT pg_reload_conf();",
        ));
    }
    Ok(found)
}

/// Whether calls of a function are counted with `track_functions` at that value.
fn is_counted(function: &PolicyFunction, tracked: Option<&str>) -> bool {
    match tracked {
        Some("all") => true,
        Some("pl") => !matches!(function.language.as_str(), "sql" | "c" | "internal"),
        _ => false,
    }
}

fn judge(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    uses: &[&PolicyFunction],
    seconds: Option<f64>,
) -> Option<Finding> {
    let function = uses.first()?;
    let (calls, total) =
        (function.calls.filter(|calls| *calls > 0)? as f64, function.total_time_ms?);
    let name =
        format!("{}.{}({})", function.function_schema, function.function, function.arguments);
    let mean = total / calls;
    if calls < cx.limit_for(&CALLS, &name) {
        return None;
    }
    let busy = seconds.filter(|seconds| *seconds >= 60.0).map(|seconds| total / 1000.0 / seconds);
    let is_slow = mean > cx.limit_for(&EVALUATION, &name);
    let is_busy = busy.is_some_and(|busy| busy >= cx.limit_for(&BUSY, &name));
    if !is_slow && !is_busy {
        return None;
    }
    let policies: Vec<_> =
        uses.iter().map(|u| format!("{} of {}.{}", u.policy, u.schema, u.table)).collect();
    let policies = listed(&policies, 3);
    let message = if is_slow {
        format!(
            "{name}, which policy {policies} calls, takes {} per evaluation",
            words::millis(mean)
        )
    } else {
        format!(
            "{name}, which policy {policies} calls, was called {} times and took {} of one session's time",
            words::count(calls),
            words::percent(busy.unwrap_or_default())
        )
    };
    let source = "pg_stat_user_functions";
    let found = cx
        .finding(
            Severity::Warning,
            Subject::within("function", db.name(), &name),
            message,
            "Call it once per statement, as (SELECT f()), or index what it looks up.",
        )
        .with(
            Evidence::new("time per evaluation", mean, Unit::Ms, source)
                .against(cx.limit_for(&EVALUATION, &name)),
        )
        .with(
            Evidence::new("calls", calls, Unit::Count, source).against(cx.limit_for(&CALLS, &name)),
        )
        .with(Evidence::new("total time", total, Unit::Ms, source))
        .with(Evidence::new("policies", policies, Unit::Text, "pg_policy, pg_depend"))
        .with(Evidence::new(
            "volatility",
            volatility(&function.volatility),
            Unit::Text,
            "pg_proc.provolatile",
        ))
        .with(Evidence::new(
            "cost the planner reckons with",
            function.cost,
            Unit::Count,
            "pg_proc.procost",
        ));
    Some(match busy {
        Some(busy) => found.with(
            Evidence::new("share of one session's time", busy, Unit::Ratio, source)
                .against(cx.limit_for(&BUSY, &name)),
        ),
        None => found,
    })
}

fn volatility(letter: &str) -> &'static str {
    match letter {
        "i" => "immutable",
        "s" => "stable",
        _ => "volatile",
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Section, Snapshot};

    use super::*;
    use crate::testing::{self, app, edit, set};

    fn snapshot(track: &str, change: impl FnOnce(&mut PolicyFunction)) -> Snapshot {
        let mut function = PolicyFunction {
            schema: "app".into(),
            table: "orders".into(),
            policy: "own".into(),
            function_oid: 7,
            function_schema: "auth".into(),
            function: "may_see".into(),
            arguments: "integer".into(),
            language: "plpgsql".into(),
            volatility: "s".into(),
            cost: 100.0,
            calls: Some(10),
            total_time_ms: Some(101.0),
            ..PolicyFunction::default()
        };
        change(&mut function);
        testing::pg(|pg| {
            set(pg, "track_functions", track, None);
            *edit(&mut app(pg).policy_functions) = vec![function];
        })
    }

    fn found(change: impl FnOnce(&mut PolicyFunction)) -> Vec<Finding> {
        testing::findings(&CHECK, &snapshot("all", change))
    }

    #[test]
    fn fires_above_ten_milliseconds_per_evaluation() {
        let one = found(|_| {}).remove(0);
        assert_eq!(one.key, "pg-rls-slow@main/function:app.auth.may_see(integer)");
        assert!(
            one.message.contains("which policy own of app.orders calls, takes 10"),
            "{}",
            one.message
        );
        assert!(found(|f| f.total_time_ms = Some(100.0)).is_empty());
        assert!(
            found(|f| {
                f.calls = Some(9);
                f.total_time_ms = Some(900.0);
            })
            .is_empty()
        );
    }

    #[test]
    fn fires_for_many_short_evaluations() {
        // Statistics of sixty days: 5 % are 259,200 s.
        let many = |total: f64| {
            found(|f| {
                f.calls = Some(1_000_000_000);
                f.total_time_ms = Some(total);
            })
            .len()
        };
        assert_eq!((many(259_200_000.0), many(259_100_000.0)), (1, 0));
    }

    #[test]
    fn is_skipped_while_calls_are_not_counted() {
        let uncounted = |track, language: &str| {
            let language = language.to_owned();
            snapshot(track, move |f| {
                f.calls = None;
                f.language = language;
            })
        };
        let skip = testing::skipped(&CHECK, &uncounted("none", "plpgsql"));
        assert!(skip.0.remedy.is_some_and(|remedy| remedy.contains("track_functions")));
        testing::skipped(&CHECK, &uncounted("pl", "sql"));
        assert!(testing::findings(&CHECK, &uncounted("pl", "plpgsql")).is_empty(), "never called");
        testing::skipped(&CHECK, &testing::database(|db| db.policy_functions = Section::default()));
    }

    #[test]
    fn without_policies_that_call_functions_nothing_need_be_counted() {
        let none = testing::pg(|pg| set(pg, "track_functions", "none", None));
        assert!(testing::findings(&CHECK, &none).is_empty());
    }
}
