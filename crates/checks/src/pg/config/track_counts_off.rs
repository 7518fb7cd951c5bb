//! Statistics that nobody keeps.

use dbvitals_model::{FixKind, Severity};

use crate::pg::{config::advice, setting_change::change};
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
    let settings = pg.settings()?;
    let name = "track_counts";
    let setting = advice::setting(settings, name)?;
    if setting.value != "off" || !advice::is_for_all(setting) {
        return Ok(Vec::new());
    }
    let message = "track_counts is off: autovacuum is blind and no counter moves";
    let found = advice::about(cx, Severity::Critical, settings, name, message, "Switch it on.");
    Ok(vec![found.fixed_by(change(settings, FixKind::Safe, &[(name, "on".to_owned())]))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    #[test]
    fn fires_only_when_off() {
        let found = |value| {
            testing::findings(&CHECK, &testing::pg(|pg| set(pg, "track_counts", value, None)))
        };
        assert!(found("on").is_empty());
        let off = found("off").remove(0);
        assert_eq!(off.severity, Severity::Critical);
        assert_eq!(
            off.fix.unwrap().statements,
            ["ALTER SYSTEM SET track_counts = 'on';", "SELECT pg_reload_conf();"]
        );
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
