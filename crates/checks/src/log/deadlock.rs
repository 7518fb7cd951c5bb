//! Transactions that waited for each other.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
};

/// Transactions that waited for each other.
pub static CHECK: Check = Check {
    id: "log-deadlock",
    title: "Deadlocks",
    topic: Topic::Log,
    component: Component::Transactions,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["lock_waits"],
    uses: &[],
    thresholds: &[&PER_DAY],
    fix: None,
    explain: "\
## What it detects
Deadlocks. At least `warning_per_day` of them are a warning, fewer a remark. The parties and their statements are told.

## Why it matters
One of the transactions is rolled back, after all have waited for `deadlock_timeout`; the user sees an error or the
application does the work twice.

## How to fix
Let all transactions lock rows in the same order (`ORDER BY` the key before `FOR UPDATE`), touch a row once, keep
transactions short; index foreign keys.

## When to ignore
Applications that repeat the transaction and meet few of them.

## References
PostgreSQL documentation: Deadlocks; deadlock_timeout.
",
    run: Run::Log(run),
};

static PER_DAY: Threshold = Threshold {
    key: "warning_per_day",
    unit: Unit::Count,
    default: 5.0,
    strict: Some(1.0),
    range: (0.01, 1e9),
    why: "a few deadlocks a day can be repeated by the application, more are a wrong order of locks",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let waits = log.lock_waits()?;
    if waits.deadlocks == 0 {
        return Ok(Vec::new());
    }
    let days = facts::hours(log.log()).max(24.0) / 24.0;
    let per_day = waits.deadlocks as f64 / days;
    let limit = cx.limit(&PER_DAY);
    let severity = if per_day >= limit { Severity::Warning } else { Severity::Info };
    let message = facts::things(waits.deadlocks, "deadlock", "deadlocks");
    let advice = "Lock rows in the same order everywhere: ORDER BY the key before FOR UPDATE.";
    let mut finding = cx
        .finding(severity, Subject::new("server", log.name()), message, advice)
        .with(facts::number("deadlocks", waits.deadlocks))
        .with(Evidence::new("deadlocks a day", per_day, Unit::Count, facts::SOURCE).against(limit));
    if let Some(last) = waits.deadlock_examples.last() {
        for party in &last.parties {
            let said = party.statement.as_deref().unwrap_or("not logged");
            let label = format!("process {} waits for {}", party.pid, party.waits_for);
            finding = finding.with(facts::text(&label, said));
        }
    }
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::log::{Deadlock, DeadlockParty};

    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn deadlocks_are_told_with_their_parties() {
        let severity = |deadlocks| {
            let built = testing::log(|log| {
                let waits = edit(&mut log.lock_waits);
                waits.deadlocks = deadlocks;
                waits.deadlock_examples = vec![Deadlock {
                    parties: vec![DeadlockParty { pid: 7, ..DeadlockParty::default() }],
                    ..Deadlock::default()
                }];
            });
            let found = testing::findings(&CHECK, &built);
            found.first().map(|found| (found.severity, found.evidence.len()))
        };
        assert_eq!(severity(0), None);
        assert_eq!(severity(4), Some((Severity::Info, 3)));
        assert_eq!(severity(5), Some((Severity::Warning, 3)));
    }
}
