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
    uses: &["roles"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Nothing records who changed the schema: `log_statement` is `none` and neither `pgaudit` nor an extension
like it (`set_user`, `pgauditlogtofile`) is loaded. Where no more than one role besides the auditing one can log
in there is nobody to tell apart.

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
    let (settings, roles) = (pg.settings()?, pg.roles().ok());
    let own = &pg.server().user;
    let people = roles.map(|roles| roles.iter().filter(|r| r.can_login && r.name != *own).count());
    if people.is_some_and(|people| people == 1) {
        return Ok(Vec::new());
    }
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
    use dbvitals_model::{Finding, pg::security::Role};

    use super::*;
    use crate::testing::{self, edit, set};

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
    fn a_single_person_needs_no_trail() {
        let found = |logins: &[&str]| {
            let snapshot = testing::pg(|pg| {
                set(pg, "log_statement", "none", None);
                set(pg, "log_connections", "off", None);
                let role = |name: &&str| Role {
                    name: (*name).to_owned(),
                    can_login: true,
                    ..Role::default()
                };
                pg.server.user = "audit".into();
                *edit(&mut pg.roles) = logins.iter().map(role).collect();
            });
            testing::findings(&CHECK, &snapshot).len()
        };
        assert_eq!((found(&["me", "audit"]), found(&["me", "you", "audit"])), (0, 1));
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
