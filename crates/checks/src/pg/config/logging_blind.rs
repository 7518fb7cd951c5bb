//! A log that says nothing of trouble.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::pg::{
    config::advice::{self, listed},
    setting_change::change,
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// What the server's log leaves out.
pub static CHECK: Check = Check {
    id: "pg-logging-blind",
    title: "Log without traces of trouble",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
Nothing is logged of slow statements (neither `log_min_duration_statement`, `log_min_duration_sample`
nor `auto_explain`), of lock waits, of temporary files, of checkpoints or of slow autovacuum: those of
them that are off are listed.

## Why it matters
After the trouble the log is the only witness: who waited for whom, which statement spilled, which
vacuum took an hour.

## How to fix
Switch them on; a reload is enough. A threshold of one second costs next to nothing.

## When to ignore
Servers whose log goes nowhere, with statements traced elsewhere.

## References
PostgreSQL documentation: Error Reporting and Logging.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    advice::setting(settings, "log_lock_waits")?;
    let is_off = |name: &str| settings.number(name).is_some_and(|value| value < 0.0);
    let has_auto_explain = ["shared_preload_libraries", "session_preload_libraries"]
        .iter()
        .any(|name| settings.text(name).is_some_and(|list| list.contains("auto_explain")));
    let mut changes: Vec<(&str, String)> = Vec::new();
    if is_off("log_min_duration_statement")
        && is_off("log_min_duration_sample")
        && !has_auto_explain
    {
        changes.push(("log_min_duration_statement", "1s".to_owned()));
    }
    for name in ["log_lock_waits", "log_checkpoints"] {
        if settings.is_on(name) == Some(false) {
            changes.push((name, "on".to_owned()));
        }
    }
    for (name, value) in [("log_temp_files", "10MB"), ("log_autovacuum_min_duration", "10min")] {
        if is_off(name) {
            changes.push((name, value.to_owned()));
        }
    }
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = changes.iter().map(|(name, _)| *name).collect();
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            format!("the log leaves no trace of trouble: {} off", listed(&names, 8)),
            "Switch them on; thresholds of seconds cost next to nothing.",
        )
        .with(Evidence::new("off", names.len() as f64, Unit::Count, "pg_settings"))
        .fixed_by(change(settings, FixKind::Safe, &changes));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, set};

    fn found(values: [&str; 6]) -> Vec<Finding> {
        let names = [
            "log_min_duration_statement",
            "log_min_duration_sample",
            "log_lock_waits",
            "log_temp_files",
            "log_checkpoints",
            "shared_preload_libraries",
        ];
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                for (name, value) in names.iter().zip(values) {
                    set(pg, name, value, None);
                }
            }),
        )
    }

    #[test]
    fn lists_what_is_off_in_one_finding() {
        let all = found(["-1", "-1", "off", "-1", "off", ""]);
        assert_eq!(all.len(), 1);
        let fix = all[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements.len(), 5);
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET log_min_duration_statement = '1s';");
        assert_eq!(fix.kind, FixKind::Safe);
    }

    #[test]
    fn any_trace_of_slow_statements_is_enough() {
        assert!(found(["1000", "-1", "on", "0", "on", ""]).is_empty());
        assert!(found(["-1", "100", "on", "0", "on", ""]).is_empty());
        assert!(found(["-1", "-1", "on", "0", "on", "auto_explain"]).is_empty());
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
