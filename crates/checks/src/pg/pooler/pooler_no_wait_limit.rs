//! A pooler at which clients may wait for ever.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PoolerView,
};

/// `query_wait_timeout` switched off.
pub static CHECK: Check = Check {
    id: "pg-pooler-no-wait-limit",
    title: "No limit to waiting at the pooler",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["config"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`query_wait_timeout` is 0: a client that gets no server connection waits until it gives up itself.

## Why it matters
When the server is gone or stuck, every request of the application hangs in the pooler instead of failing, and
threads, memory and the limit of clients go with them.

## How to fix
Set it to what an application can bear, at most the default of 120 seconds; in the file as well, since the console's
`SET` lasts until the next start.

## When to ignore
Where every client has a timeout of its own.

## References
PgBouncer documentation: Admin console, `SHOW POOLS`; Configuration.
",
    run: Run::Pooler(run),
};

fn run(pooler: &PoolerView<'_>, cx: &Context<'_>) -> Judged {
    let config = pooler.config()?;
    let value = config.get("query_wait_timeout").and_then(|value| value.parse::<f64>().ok());
    if value != Some(0.0) {
        return Ok(Vec::new());
    }
    let fix = Fix::new(FixKind::Review, ["SET query_wait_timeout = 120;".to_owned()])
        .undone_by(["SET query_wait_timeout = 0;".to_owned()]);
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("pooler", pooler.name()),
            "clients wait at the pooler for ever when no server connection comes free",
            "Set query_wait_timeout on the pooler's console and in pgbouncer.ini.",
        )
        .with(Evidence::new("query_wait_timeout", 0.0, Unit::Seconds, "SHOW CONFIG"));
    Ok(vec![finding.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn found(value: &str) -> usize {
        let snapshot = testing::pooler(|pooler| {
            edit(&mut pooler.config).insert("query_wait_timeout".into(), value.into());
        });
        testing::findings(&CHECK, &snapshot).len()
    }

    #[test]
    fn only_zero_is_for_ever() {
        assert_eq!((found("0"), found("120"), found("0.5"), found("")), (1, 0, 0, 0));
    }

    #[test]
    fn is_skipped_without_its_configuration() {
        use dbvitals_model::{Reason, Section};
        let blind = testing::pooler(|p| p.config = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
