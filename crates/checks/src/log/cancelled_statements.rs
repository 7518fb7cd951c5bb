//! Statements that were cut off by a time limit.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Statements that were cut off by a time limit.
pub static CHECK: Check = Check {
    id: "log-cancelled-statements",
    title: "Statements cut off",
    topic: Topic::Log,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["errors"],
    uses: &[],
    thresholds: &[&LIMIT],
    fix: None,
    explain: "\
## What it detects
At least `warning_per_hour` statements an hour were cancelled: by `statement_timeout`, `lock_timeout` or `transaction_timeout`, by the
client, or by recovery on a standby.

## Why it matters
The work up to then was for nothing, and most clients try again at once.

## How to fix
Look at the statement: analyse it, or give its role the time it needs. Recovery conflicts: `hot_standby_feedback` or
`max_standby_streaming_delay`, each with its price. Cancelled by the client: a time limit of the driver.

## When to ignore
Searches that are cancelled with each further letter somebody types.

## References
PostgreSQL documentation: Appendix A, Error Codes; Error Reporting and Logging.
",
    run: Run::Log(run),
};

static LIMIT: Threshold = Threshold {
    key: "warning_per_hour",
    unit: Unit::PerHour,
    default: 10.0,
    strict: None,
    range: (0.01, 1e9),
    why: "below that it is people who change their mind",
};

/// What errors of this kind are called.
const CLASSES: &[&str] = &[
    "statement timeout",
    "cancelled",
    "lock timeout",
    "transaction timeout",
    "recovery conflict",
    "lock not available",
];

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let errors = log.errors()?;
    let groups = facts::of_classes(errors, CLASSES);
    let count = facts::sum(&groups);
    let (rate, limit) = (count as f64 / facts::hours(log.log()), cx.limit(&LIMIT));
    let Some(group) = groups.first().filter(|_| rate >= limit) else { return Ok(Vec::new()) };
    let message = format!("{} statements were cut off", words::count(count as f64));
    let finding = cx
        .finding(Severity::Warning, Subject::new("server", log.name()), message, ADVICE)
        .with(Evidence::new("an hour", rate, Unit::PerHour, facts::SOURCE).against(limit))
        .with(facts::number("most within one hour", group.peak_per_hour));
    Ok(vec![facts::with_error(finding, group)])
}

const ADVICE: &str = "Look at the statement below: analyse it, or give its role the time it needs.";

#[cfg(test)]
mod tests {
    use dbvitals_model::log::ErrorGroup;

    use super::*;
    use crate::testing::{self, edit};

    fn found(count: i64, class: &str) -> usize {
        let built = testing::log(|log| {
            edit(&mut log.errors).groups =
                vec![ErrorGroup { class: class.into(), count, ..ErrorGroup::default() }];
            log.first_at = testing::ago(3600);
            log.last_at = testing::ago(0);
        });
        testing::findings(&CHECK, &built).len()
    }

    #[test]
    fn fires_from_the_threshold_on() {
        assert_eq!(found(10, CLASSES[0]), 1);
        assert_eq!(found(9, CLASSES[0]), 0);
    }

    #[test]
    fn other_errors_are_no_matter_of_this_check() {
        assert_eq!(found(1_000_000, "something else"), 0);
    }
}
