//! Commits that do not wait for the disk.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Unit};

use super::advice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `synchronous_commit = off` for everybody.
pub static CHECK: Check = Check {
    id: "pg-synchronous-commit-off",
    title: "Commits are not waited for",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`synchronous_commit` is `off` for every session.

## Why it matters
A crash loses the transactions of the last moments (up to three times `wal_writer_delay`) although their
commit was reported. Nothing is corrupted. A configured synchronous standby is not waited for either.

## How to fix
Switch it on, and off only in the sessions whose last transactions may be lost: `SET LOCAL
synchronous_commit = off`, or `ALTER ROLE`.

## When to ignore
Data that can be sent again: measurements, logs, sessions.

## References
PostgreSQL documentation: Asynchronous Commit.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let off = advice::off(
        pg,
        cx,
        (Severity::Info, FixKind::Review),
        "synchronous_commit",
        "synchronous_commit is off for all: a crash loses transactions reported as committed",
        "Switch it on; off only for sessions whose last transactions may be lost.",
    )?;
    let delay = pg.settings()?.millis("wal_writer_delay").map(|delay| {
        Evidence::new("may lose the last", delay * 3.0, Unit::Ms, "3 × wal_writer_delay")
    });
    Ok(off.map(|found| delay.into_iter().fold(found, Finding::with)).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    #[test]
    fn fires_only_for_off() {
        let found = |value| {
            testing::findings(
                &CHECK,
                &testing::pg(|pg| {
                    set(pg, "synchronous_commit", value, None);
                    set(pg, "wal_writer_delay", "200", Some("ms"));
                }),
            )
        };
        for value in ["on", "local", "remote_apply"] {
            assert!(found(value).is_empty());
        }
        let off = found("off").remove(0);
        assert_eq!(off.evidence[1].value, 600.0.into());
        assert_eq!(off.fix.unwrap().statements[0], "ALTER SYSTEM SET synchronous_commit = 'on';");
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
