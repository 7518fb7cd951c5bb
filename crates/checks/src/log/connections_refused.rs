//! Connections that were refused because all places were taken.

use dbvitals_model::{Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::counted::Counted,
    skip::Judged,
    view::LogView,
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

const COUNTED: Counted = Counted {
    classes: &["connections"],
    severity: Severity::Critical,
    one: "connection was refused: all places were taken",
    many: "connections were refused: all places were taken",
    limit: &LIMIT,
    advice: "Find who keeps connections; put a pooler in front of the server.",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    COUNTED.judge(log, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_from_the_threshold_on_and_on_its_own_errors_alone() {
        COUNTED.fires_from(&CHECK, 1);
    }
}
