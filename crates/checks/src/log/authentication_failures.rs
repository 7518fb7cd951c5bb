//! Logins that were refused.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
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

/// What errors of this kind are called.
const CLASSES: &[&str] = &["authentication"];

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let errors = log.errors()?;
    let groups = facts::of_classes(errors, CLASSES);
    let count = facts::sum(&groups);
    let (rate, limit) = (count as f64 / facts::hours(log.log()), cx.limit(&LIMIT));
    let Some(group) = groups.first().filter(|_| rate >= limit) else { return Ok(Vec::new()) };
    let message = format!("{} logins were refused", words::count(count as f64));
    let finding = cx
        .finding(Severity::Warning, Subject::new("server", log.name()), message, ADVICE)
        .with(Evidence::new("an hour", rate, Unit::PerHour, facts::SOURCE).against(limit))
        .with(facts::number("most within one hour", group.peak_per_hour));
    Ok(vec![facts::with_error(finding, group)])
}

const ADVICE: &str =
    "Look at the addresses below: correct the secret of your own, close the port to others.";

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
        assert_eq!(found(20, CLASSES[0]), 1);
        assert_eq!(found(19, CLASSES[0]), 0);
    }

    #[test]
    fn other_errors_are_no_matter_of_this_check() {
        assert_eq!(found(1_000_000, "something else"), 0);
    }
}
