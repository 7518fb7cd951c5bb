//! Sessions that were ended because they sat in a transaction.

use dbvitals_model::{Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::counted::Counted,
    skip::Judged,
    view::LogView,
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

const COUNTED: Counted = Counted {
    classes: &["idle timeout"],
    severity: Severity::Warning,
    one: "session was ended for sitting idle",
    many: "sessions were ended for sitting idle",
    limit: &LIMIT,
    advice: "Commit before calling other services or waiting for people.",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    COUNTED.judge(log, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_from_the_threshold_on_and_on_its_own_errors_alone() {
        COUNTED.fires_from(&CHECK, 5);
    }
}
