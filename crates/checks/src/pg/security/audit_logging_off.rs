//! Changes that leave no trace.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// Neither connections nor DDL are logged.
pub static CHECK: Check = Check {
    id: "pg-audit-logging-off",
    title: "No audit trail",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Nothing records who changed the schema: `log_statement` is `none` and neither `pgaudit` nor an extension
like it (`set_user`, `pgauditlogtofile`) is loaded.

## Why it matters
When a table is gone or a privilege was granted, nobody can tell by whom, or from where.

## How to fix
Set `log_statement = ddl` and `log_connections = on`; a reload is enough. Where rules ask for more, load
`pgaudit`.

## When to ignore
Servers without rules of that kind, or whose pooler or proxy keeps the trail.

## References
PostgreSQL documentation: Error Reporting and Logging, What to Log.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let name = "log_statement";
    let setting = advice::setting(settings, name)?;
    let libraries = settings.text("shared_preload_libraries").unwrap_or_default();
    if setting.value != "none" || libraries.contains("pgaudit") || libraries.contains("set_user") {
        return Ok(Vec::new());
    }
    let mut changes = vec![(name, "ddl".to_owned())];
    let connections = settings.text("log_connections").unwrap_or_default();
    if matches!(connections, "off" | "") {
        changes.push(("log_connections", "on".to_owned()));
    }
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        "nothing records who changes the schema",
        "Log DDL and connections; load pgaudit where rules ask for more.",
    )
    .with(Evidence::new("log_connections", connections, Unit::Text, "pg_settings"))
    .fixed_by(change(settings, FixKind::Review, &changes));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, set};

    fn found(log: &str, libraries: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "log_statement", log, None);
                set(pg, "log_connections", "off", None);
                set(pg, "shared_preload_libraries", libraries, None);
            }),
        )
    }

    #[test]
    fn fires_without_any_trail() {
        let one = found("none", "pg_stat_statements").remove(0);
        assert_eq!(
            one.fix.unwrap().statements,
            [
                "ALTER SYSTEM SET log_statement = 'ddl';",
                "ALTER SYSTEM SET log_connections = 'on';",
                "SELECT pg_reload_conf();"
            ]
        );
        assert!(found("ddl", "").is_empty());
        assert!(found("none", "pgaudit").is_empty());
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
