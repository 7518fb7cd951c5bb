//! Sessions nobody can see.

use dbvitals_model::{FixKind, Severity};

use super::advice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `track_activities` is off.
pub static CHECK: Check = Check {
    id: "pg-track-activities-off",
    title: "Activity is hidden",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
`track_activities` is off. It is on by default.

## Why it matters
`pg_stat_activity` shows no state and no statement: nobody can tell who blocks whom, and sessions idle
in a transaction go unseen.

## How to fix
Switch it on; a reload is enough. It costs next to nothing.

## When to ignore
Never on a server that matters.

## References
PostgreSQL documentation: Run-time Statistics.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let message = "track_activities is off: nobody can see what sessions do";
    let kind = (Severity::Critical, FixKind::Safe);
    let found = advice::off(pg, cx, kind, "track_activities", message, "Switch it on.")?;
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_only_when_off() {
        advice::fires_only_when_off(&CHECK, "track_activities");
    }
}
