//! Statements whose slow executions keep somebody waiting.

use dbvitals_model::{Evidence, Finding, Severity, Unit, log::LoggedStatement};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Statements whose slow executions keep somebody waiting.
pub static CHECK: Check = Check {
    id: "log-slow-statement",
    title: "Slow statement",
    topic: Topic::Log,
    component: Component::Queries,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["statements"],
    uses: &[],
    thresholds: &[&CALLS, &WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
A statement with at least `min_calls` logged executions, one in twenty of which took at least `warning_ms` (or
`critical_ms`): its 95th percentile. Statements that are not planned, and those that wait by design, are left out.

## Why it matters
The mean hides what users feel: of a page with ten statements every other one meets a one-in-twenty case.

## How to fix
Look at the example with its parameters and, where auto_explain is on, at its plan: `dbvitals query analyze` tells
what is wrong with it and what to write instead.

## When to ignore
Reports and batch work that nobody waits for. A log that was written with a threshold holds only the slow executions,
and the percentile is of those.

## References
PostgreSQL documentation: log_min_duration_statement; auto_explain.
",
    run: Run::Log(run),
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e9),
    why: "one slow execution may be an accident of the cache",
};

static WARNING: Threshold = Threshold {
    key: "warning_ms",
    unit: Unit::Ms,
    default: 1000.0,
    strict: Some(300.0),
    range: (1.0, 1e9),
    why: "after a second people notice that they wait",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ms",
    unit: Unit::Ms,
    default: 10000.0,
    strict: Some(5000.0),
    range: (1.0, 1e9),
    why: "after ten seconds people give up, and so do most pools",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let statements = log.statements()?;
    let mut found = Vec::new();
    for statement in &statements.leaders {
        let p95 = statement.latency.p95_ms;
        let is_rare = (statement.calls as f64) < cx.limit_for(&CALLS, &statement.fingerprint);
        if is_rare || statement.class == "utility" || found.len() == facts::LISTED {
            continue;
        }
        let Some(severity) = cx.above(p95, &WARNING, &CRITICAL, &statement.fingerprint) else {
            continue;
        };
        let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
        let message = format!(
            "one in twenty executions takes {} or more, of {} in all: {}",
            words::millis(p95),
            words::count(statement.calls as f64),
            facts::short(&statement.text)
        );
        let share = statement.total_ms / statements.total_ms.max(f64::MIN_POSITIVE);
        let finding = cx
            .finding(
                severity,
                facts::statement(&statement.fingerprint),
                message,
                "Analyse the example below with `dbvitals query analyze`.",
            )
            .with(
                Evidence::new("95th percentile", p95, Unit::Ms, facts::SOURCE)
                    .against(cx.limit_for(limit, &statement.fingerprint)),
            )
            .with(Evidence::new("median", statement.latency.p50_ms, Unit::Ms, facts::SOURCE))
            .with(Evidence::new("longest", statement.latency.max_ms, Unit::Ms, facts::SOURCE))
            .with(facts::number("executions", statement.calls))
            .with(Evidence::new("share of all time", share.min(1.0), Unit::Ratio, facts::SOURCE));
        let finding = facts::with_statement(finding, statement);
        found.push(with_example(finding, statement));
    }
    Ok(found)
}

fn with_example(finding: Finding, statement: &LoggedStatement) -> Finding {
    let Some(slowest) = &statement.slowest else { return finding };
    let finding = finding.with(facts::text("slowest execution", &slowest.text));
    match &slowest.parameters {
        Some(parameters) => finding.with(facts::text("its parameters", parameters)),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, log::Latency};

    use super::*;
    use crate::testing::{self, edit};

    fn log(p95_ms: f64, calls: i64) -> Snapshot {
        testing::log(|log| {
            let statements = edit(&mut log.statements);
            statements.leaders = vec![LoggedStatement {
                fingerprint: "00".into(),
                calls,
                latency: Latency { p95_ms, ..Latency::default() },
                ..LoggedStatement::default()
            }];
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity =
            |p95| testing::findings(&CHECK, &log(p95, 5)).first().map(|found| found.severity);
        assert_eq!(severity(999.0), None);
        assert_eq!(severity(1000.0), Some(Severity::Warning));
        assert_eq!(severity(10_000.0), Some(Severity::Critical));
    }

    #[test]
    fn a_single_slow_execution_is_no_habit() {
        assert!(testing::findings(&CHECK, &log(5000.0, 2)).is_empty());
    }

    #[test]
    fn is_skipped_without_durations() {
        use dbvitals_model::{Reason, Section};
        let blind = testing::log(|log| {
            log.statements = Section::unavailable(Reason::Disabled, "no durations");
        });
        assert_eq!(testing::skipped(&CHECK, &blind).0.reason, Reason::Disabled);
    }
}
