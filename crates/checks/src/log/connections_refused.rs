//! Connections that were refused because all places were taken.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Connections that were refused because all places were taken.
pub static CHECK: Check = Check {
    id: "log-connections-refused",
    title: "Connections refused",
    topic: Topic::Log,
    component: Component::Connections,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["errors"],
    uses: &[],
    thresholds: &[&LIMIT],
    fix: None,
    explain: "\
## What it detects
At least `critical_per_hour` connections an hour were refused because `max_connections`, or the limit of a role or database, was reached.

## Why it matters
For whoever is refused the database is down.

## How to fix
Find who keeps connections: sizes of pools times number of processes, sessions idle in transaction. Put PgBouncer in front; raise
`max_connections` only with memory for it.

## When to ignore
A load test.

## References
PostgreSQL documentation: Appendix A, Error Codes; Error Reporting and Logging.
",
    run: Run::Log(run),
};

static LIMIT: Threshold = Threshold {
    key: "critical_per_hour",
    unit: Unit::PerHour,
    default: 1.0,
    strict: None,
    range: (0.01, 1e9),
    why: "each of them is a user who saw an error",
};

/// What errors of this kind are called.
const CLASSES: &[&str] = &["connections"];

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let errors = log.errors()?;
    let groups = facts::of_classes(errors, CLASSES);
    let count = facts::sum(&groups);
    let (rate, limit) = (count as f64 / facts::hours(log.log()), cx.limit(&LIMIT));
    let Some(group) = groups.first().filter(|_| rate >= limit) else { return Ok(Vec::new()) };
    let message =
        format!("{} connections were refused: all places were taken", words::count(count as f64));
    let finding = cx
        .finding(Severity::Critical, Subject::new("server", log.name()), message, ADVICE)
        .with(Evidence::new("an hour", rate, Unit::PerHour, facts::SOURCE).against(limit))
        .with(facts::number("most within one hour", group.peak_per_hour));
    Ok(vec![facts::with_error(finding, group)])
}

const ADVICE: &str = "Find who keeps connections; put a pooler in front of the server.";

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
        assert_eq!(found(1, CLASSES[0]), 1);
        assert_eq!(found(0, CLASSES[0]), 0);
    }

    #[test]
    fn other_errors_are_no_matter_of_this_check() {
        assert_eq!(found(1_000_000, "something else"), 0);
    }
}
