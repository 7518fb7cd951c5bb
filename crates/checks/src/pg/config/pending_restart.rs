//! Changes that wait for a restart.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::pg::{config::advice::listed, setting_change::present};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// Settings changed in the files but not in the server.
pub static CHECK: Check = Check {
    id: "pg-pending-restart",
    title: "Restart pending",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Settings whose value in the configuration files differs from the one in use, because only a restart
makes it effective.

## Why it matters
What is written is not what runs: the next restart, perhaps after a crash at night, changes the server's
behaviour, and may fail when memory or ports are not there.

## How to fix
Restart at a planned time, or take the change back (`ALTER SYSTEM RESET`, or edit the file) and reload.

## When to ignore
Between the change and the restart that was planned for it.

## References
PostgreSQL documentation: Setting Parameters; `pg_settings.pending_restart`.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let waiting: Vec<&str> = settings
        .0
        .iter()
        .filter(|setting| setting.pending_restart)
        .map(|setting| setting.name.as_str())
        .collect();
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<String> = waiting
        .iter()
        .filter_map(|name| Some(format!("{name} = {}", present(settings, name)?)))
        .collect();
    let word = if waiting.len() == 1 { "setting waits" } else { "settings wait" };
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!("{} {word} for a restart: {}", waiting.len(), listed(&waiting, 8)),
            "Restart at a planned time, or take the change back and reload.",
        )
        .with(Evidence::new(
            "waiting",
            waiting.len() as f64,
            Unit::Count,
            "pg_settings.pending_restart",
        ))
        .with(Evidence::new("in use until then", listed(&values, 20), Unit::Text, "pg_settings"));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    #[test]
    fn lists_what_waits() {
        assert!(
            testing::findings(&CHECK, &testing::pg(|pg| set(pg, "port", "5432", None))).is_empty()
        );
        let built = testing::pg(|pg| {
            set(pg, "shared_buffers", "16384", Some("8kB"));
            edit(&mut pg.settings).0[0].pending_restart = true;
        });
        let found = testing::findings(&CHECK, &built);
        assert_eq!(found[0].message, "1 setting waits for a restart: shared_buffers");
    }
}
