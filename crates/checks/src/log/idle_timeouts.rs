//! Sessions that were ended because they sat in a transaction.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Sessions that were ended because they sat in a transaction.
pub static CHECK: Check = Check {
    id: "log-idle-timeouts",
    title: "Idle transactions ended",
    topic: Topic::Log,
    component: Component::Transactions,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["errors"],
    uses: &[],
    thresholds: &[&LIMIT],
    fix: None,
    explain: "\
## What it detects
At least `warning_per_hour` sessions an hour were ended by `idle_in_transaction_session_timeout` or `idle_session_timeout`.

## Why it matters
The application believes it has a connection and meets an error at its next statement; until the limit its locks were held.

## How to fix
Look for work between statements of a transaction: calls of other services, waiting for people. Commit before.

## When to ignore
Consoles of developers.

## References
PostgreSQL documentation: Appendix A, Error Codes; Error Reporting and Logging.
",
    run: Run::Log(run),
};

static LIMIT: Threshold = Threshold {
    key: "warning_per_hour",
    unit: Unit::PerHour,
    default: 5.0,
    strict: None,
    range: (0.01, 1e9),
    why: "a forgotten console is one, five an hour are a program",
};

/// What errors of this kind are called.
const CLASSES: &[&str] = &["idle timeout"];

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let errors = log.errors()?;
    let groups = facts::of_classes(errors, CLASSES);
    let count = facts::sum(&groups);
    let (rate, limit) = (count as f64 / facts::hours(log.log()), cx.limit(&LIMIT));
    let Some(group) = groups.first().filter(|_| rate >= limit) else { return Ok(Vec::new()) };
    let message = format!("{} sessions were ended for sitting idle", words::count(count as f64));
    let finding = cx
        .finding(Severity::Warning, Subject::new("server", log.name()), message, ADVICE)
        .with(Evidence::new("an hour", rate, Unit::PerHour, facts::SOURCE).against(limit))
        .with(facts::number("most within one hour", group.peak_per_hour));
    Ok(vec![facts::with_error(finding, group)])
}

const ADVICE: &str = "Commit before calling other services or waiting for people.";

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
        assert_eq!(found(5, CLASSES[0]), 1);
        assert_eq!(found(4, CLASSES[0]), 0);
    }

    #[test]
    fn other_errors_are_no_matter_of_this_check() {
        assert_eq!(found(1_000_000, "something else"), 0);
    }
}
