//! Passwords of powerful roles that never end.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::pg::config::advice::listed;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// Powerful roles with a password and no end to it.
pub static CHECK: Check = Check {
    id: "pg-password-never-expiring",
    title: "Powerful password without end",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["roles", "passwords"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Roles that may log in with a password that never ends (`VALID UNTIL`) and that are superusers, may create roles,
replicate, or pass row-level security by. All of them are told in one finding. Roles without a password, and
ordinary roles, are not counted.

## Why it matters
Such a password is worth stealing, and stays good until somebody thinks of changing it.

## How to fix
Let people log in by a certificate, a directory or the operating system. Where it must be a password, give it an
end that a rotation keeps moving: `ALTER ROLE … VALID UNTIL …`.

## When to ignore
Where a vault rotates them anyway.

## References
PostgreSQL documentation: CREATE ROLE, `VALID UNTIL`; Authentication Methods.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (roles, passwords) = (pg.roles()?, pg.passwords()?);
    let has_password =
        |name: &str| passwords.iter().any(|stored| stored.role == name && stored.kind != "none");
    let names: Vec<&str> = roles
        .iter()
        .filter(|role| role.can_login && role.valid_until.is_none())
        .filter(|role| {
            role.is_superuser
                || role.can_create_role
                || role.can_replicate
                || role.bypasses_row_security
        })
        .map(|role| role.name.as_str())
        .filter(|name| has_password(name))
        .collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let all = listed(&names, 10);
    let found = cx.finding(
        Severity::Info,
        Subject::new("server", pg.name()),
        format!("passwords of powerful roles never end: {all}"),
        "Let them log in by other means, or give their passwords an end that a rotation moves.",
    );
    Ok(vec![found.with(Evidence::new("roles", all, Unit::Text, "pg_roles.rolvaliduntil"))])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Finding, Section,
        pg::security::{Password, Role},
    };

    use super::*;
    use crate::testing::{self, ago, edit};

    fn found(kind: &str, change: impl FnOnce(&mut Role)) -> Vec<Finding> {
        let mut role =
            Role { name: "root".into(), can_login: true, is_superuser: true, ..Role::default() };
        change(&mut role);
        let stored = Password { role: "root".into(), kind: kind.into() };
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                *edit(&mut pg.roles) = vec![role];
                *edit(&mut pg.passwords) = vec![stored];
            }),
        )
    }

    #[test]
    fn fires_for_powerful_roles_whose_password_never_ends() {
        assert!(found("scram-sha-256", |_| {})[0].message.ends_with("root"));
        let replicates = |role: &mut Role| {
            role.is_superuser = false;
            role.can_replicate = true;
        };
        assert_eq!(found("scram-sha-256", replicates).len(), 1);
    }

    #[test]
    fn ordinary_roles_and_those_without_a_password_are_silent() {
        assert!(found("none", |_| {}).is_empty());
        assert!(found("scram-sha-256", |role| role.is_superuser = false).is_empty());
        assert!(found("scram-sha-256", |role| role.can_login = false).is_empty());
        assert!(found("scram-sha-256", |role| role.valid_until = ago(-86_400)).is_empty());
    }

    #[test]
    fn is_skipped_without_passwords() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.passwords = Section::default()));
    }
}
