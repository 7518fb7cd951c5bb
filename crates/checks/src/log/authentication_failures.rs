//! Logins that were refused.

use dbvitals_model::{Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::counted::Counted,
    skip::Judged,
    view::LogView,
};

/// Logins that were refused.
pub static CHECK: Check = Check {
    id: "log-authentication-failures",
    title: "Logins refused",
    topic: Topic::Log,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["errors"],
    uses: &[],
    thresholds: &[&LIMIT],
    fix: None,
    explain: "\
## What it detects
At least `warning_per_hour` logins an hour were refused: wrong password, no matching line of `pg_hba.conf`, unknown role.

## Why it matters
A service with an old password hammers the server; somebody from outside tries passwords.

## How to fix
Look at the addresses. Ours: correct the secret where it is deployed. Not ours: close the port to them, let `pg_hba.conf`
name networks instead of `all`, use scram-sha-256.

## When to ignore
A scanner of your own security team.

## References
PostgreSQL documentation: Appendix A, Error Codes; Error Reporting and Logging.
",
    run: Run::Log(run),
};

static LIMIT: Threshold = Threshold {
    key: "warning_per_hour",
    unit: Unit::PerHour,
    default: 20.0,
    strict: None,
    range: (0.01, 1e9),
    why: "a person mistypes a password a few times, a program or an attack goes on",
};

const COUNTED: Counted = Counted {
    classes: &["authentication"],
    severity: Severity::Warning,
    one: "login was refused",
    many: "logins were refused",
    limit: &LIMIT,
    advice: "Look at the addresses below: correct the secret of your own, close the port to others.",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    COUNTED.judge(log, cx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_from_the_threshold_on_and_on_its_own_errors_alone() {
        COUNTED.fires_from(&CHECK, 20);
    }
}
