//! More superusers than needed.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::pg::{config::advice::listed, security::reach::not_twice};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
};

/// Superusers that may log in.
pub static CHECK: Check = Check {
    id: "pg-superuser-login-many",
    title: "Many superusers",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["roles"],
    uses: &[],
    thresholds: &[&MAX],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
More than `max_superusers` roles are superusers and may log in. Superusers that belong to a cloud
provider are not counted.

## Why it matters
Nothing is checked for a superuser: a leaked password of any of them is the whole server, and files of
the machine. An application that connects as one turns every SQL injection into that.

## How to fix
Take SUPERUSER away and grant what is needed: predefined roles such as `pg_monitor`, `pg_read_all_data`,
`pg_maintain`, or membership in a role without LOGIN that is a superuser, for `SET ROLE`.

## When to ignore
A superuser for each administrator, raised by `max_superusers`.

## References
PostgreSQL documentation: Role Attributes; Predefined Roles.
",
    run: Run::Postgres(run),
};

static MAX: Threshold = Threshold {
    key: "max_superusers",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (0.0, 1000.0),
    why: "one superuser for the rare task that needs it; daily work has predefined roles",
};

/// Superusers that cloud providers keep for themselves.
const PROVIDERS: &[&str] =
    &["alloydbadmin", "azure_superuser", "azuresu", "cloudsqladmin", "rdsadmin"];

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let roles = pg.roles()?;
    not_twice(pg)?;
    let names: Vec<&str> = roles
        .iter()
        .filter(|role| role.is_superuser && role.can_login)
        .map(|role| role.name.as_str())
        .filter(|name| !PROVIDERS.contains(name))
        .collect();
    let limit = cx.limit(&MAX);
    if names.len() as f64 <= limit {
        return Ok(Vec::new());
    }
    // The one to keep: the usual name, else the one we know to be in use.
    let keep = ["postgres", pg.server().user.as_str()]
        .into_iter()
        .find(|name| names.contains(name))
        .or(names.first().copied());
    let others: Vec<String> =
        names.iter().filter(|&&name| Some(name) != keep).map(|name| sql::ident(name)).collect();
    let each = |word: &str| -> Vec<String> {
        others.iter().map(|role| format!("ALTER ROLE {role} {word};")).collect()
    };
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!("{} superusers may log in: {}", names.len(), listed(&names, 8)),
            "Keep one; give the others predefined roles and the rights they use.",
        )
        .with(
            Evidence::new(
                "superusers that may log in",
                names.len() as f64,
                Unit::Count,
                "pg_roles",
            )
            .against(limit),
        )
        .fixed_by(Fix::new(FixKind::Manual, each("NOSUPERUSER")).undone_by(each("SUPERUSER")));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::testing::{self, edit};
    use dbvitals_model::pg::security::Role;

    fn found(names: &[&str]) -> Vec<Finding> {
        let role = |name: &&str| Role {
            name: (*name).to_owned(),
            is_superuser: true,
            can_login: !name.starts_with("group"),
            ..Role::default()
        };
        let roles = names.iter().map(role).collect();
        testing::findings(&CHECK, &testing::pg(|pg| *edit(&mut pg.roles) = roles))
    }

    #[test]
    fn fires_beyond_the_limit_and_keeps_one() {
        assert!(found(&["postgres"]).is_empty());
        let one = found(&["Boss", "postgres"]).remove(0);
        let fix = one.fix.unwrap();
        assert_eq!(fix.kind, FixKind::Manual);
        assert_eq!(fix.statements, ["ALTER ROLE \"Boss\" NOSUPERUSER;"]);
        assert_eq!(fix.undo, ["ALTER ROLE \"Boss\" SUPERUSER;"]);
    }

    #[test]
    fn groups_and_providers_do_not_count() {
        assert!(found(&["postgres", "group_admins", "rdsadmin"]).is_empty());
    }

    #[test]
    fn is_skipped_without_roles() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.roles = Section::default()));
    }
}
