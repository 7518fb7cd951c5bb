//! Errors that come again and again.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Errors that come again and again.
pub static CHECK: Check = Check {
    id: "log-errors-frequent",
    title: "Frequent errors",
    topic: Topic::Log,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["errors"],
    uses: &[],
    thresholds: &[&PER_HOUR],
    fix: None,
    explain: "\
## What it detects
An error of the same words at least `warning_per_hour` times an hour. Errors with checks of their own (logins, time limits,
deadlocks, connections) are left out.

## Why it matters
Each is work that was thrown away, and often a user who saw it. In a transaction it takes everything before it along.

## How to fix
Look at the statement and its message. Unique violations in numbers: `INSERT … ON CONFLICT`. Unknown names: a release
that does not fit the schema. Serialization failures: repeat the transaction, shorten it.

## When to ignore
Applications that use unique violations on purpose.

## References
PostgreSQL documentation: Appendix A, Error Codes; Error Reporting and Logging.
",
    run: Run::Log(run),
};

static PER_HOUR: Threshold = Threshold {
    key: "warning_per_hour",
    unit: Unit::PerHour,
    default: 50.0,
    strict: None,
    range: (0.1, 1e9),
    why: "nearly one a minute is a program that meets its own mistake",
};

/// Errors that have checks of their own.
const ELSEWHERE: &[&str] = &[
    "authentication",
    "autovacuum cancelled",
    "cancelled",
    "connections",
    "crash",
    "deadlock",
    "idle timeout",
    "lock not available",
    "lock timeout",
    "panic",
    "recovery conflict",
    "starting or stopping",
    "statement timeout",
    "terminated",
    "transaction timeout",
];

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let errors = log.errors()?;
    let hours = facts::hours(log.log()).max(1.0);
    let mut found = Vec::new();
    for group in &errors.groups {
        let (per_hour, limit) =
            (group.count as f64 / hours, cx.limit_for(&PER_HOUR, &group.message));
        let is_error = matches!(group.severity.as_str(), "ERROR" | "FATAL");
        let is_elsewhere = ELSEWHERE.contains(&group.class.as_str());
        if !is_error || is_elsewhere || per_hour < limit || found.len() == facts::LISTED {
            continue;
        }
        let message =
            format!("{} times an hour: {}", words::count(per_hour), facts::short(&group.example));
        let finding = cx
            .finding(
                Severity::Warning,
                Subject::new("error", &group.message),
                message,
                "Look at the statement below and at who sends it.",
            )
            .with(Evidence::new("an hour", per_hour, Unit::PerHour, facts::SOURCE).against(limit))
            .with(facts::number("times", group.count))
            .with(facts::number("most within one hour", group.peak_per_hour));
        found.push(facts::with_error(finding, group));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::log::ErrorGroup;

    use super::*;
    use crate::testing::{self, edit};

    fn found(count: i64, class: &str, severity: &str) -> usize {
        let built = testing::log(|log| {
            edit(&mut log.errors).groups = vec![ErrorGroup {
                severity: severity.into(),
                class: class.into(),
                count,
                ..ErrorGroup::default()
            }];
            log.first_at = testing::ago(3600);
            log.last_at = testing::ago(0);
        });
        testing::findings(&CHECK, &built).len()
    }

    #[test]
    fn frequent_errors_are_told_unless_they_have_a_check_of_their_own() {
        assert_eq!(found(50, "syntax", "ERROR"), 1);
        assert_eq!(found(49, "syntax", "ERROR"), 0);
        assert_eq!(found(5000, "deadlock", "ERROR"), 0);
        assert_eq!(found(5000, "other", "WARNING"), 0);
    }
}
