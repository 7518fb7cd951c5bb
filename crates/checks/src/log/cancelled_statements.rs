//! Statements that were cut off by a time limit.

use dbvitals_model::{Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::counted::Counted,
    skip::Judged,
    view::LogView,
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

const COUNTED: Counted = Counted {
    classes: &[
        "statement timeout",
        "cancelled",
        "lock timeout",
        "transaction timeout",
        "recovery conflict",
        "lock not available",
    ],
    severity: Severity::Warning,
    one: "statement was cut off",
    many: "statements were cut off",
    limit: &LIMIT,
    advice: "Look at the statement below: analyse it, or give its role the time it needs.",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    COUNTED.judge(log, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_from_the_threshold_on_and_on_its_own_errors_alone() {
        COUNTED.fires_from(&CHECK, 10);
    }
}
