//! Statistics that nobody keeps.

use dbvitals_model::{FixKind, Severity};

use super::advice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `track_counts` is off.
pub static CHECK: Check = Check {
    id: "pg-track-counts-off",
    title: "Counters are off",
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
`track_counts` is off. It is on by default.

## Why it matters
Autovacuum does not know what to do: tables are neither vacuumed nor analyzed, except against
wraparound, and everything that counts reads and writes stays at zero.

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
    let message = "track_counts is off: autovacuum is blind and no counter moves";
    let kind = (Severity::Critical, FixKind::Safe);
    let found = advice::off(pg, cx, kind, "track_counts", message, "Switch it on.")?;
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_only_when_off() {
        advice::fires_only_when_off(&CHECK, "track_counts");
    }
}
