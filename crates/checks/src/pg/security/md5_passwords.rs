//! Passwords stored as MD5.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use super::reach::not_twice;
use crate::pg::config::advice::listed;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
};

/// Roles whose password is stored as MD5.
pub static CHECK: Check = Check {
    id: "pg-md5-passwords",
    title: "Passwords stored as MD5",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["passwords"],
    uses: &["settings"],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
Roles that may log in and whose password is stored as an MD5 hash. Only a superuser can see it.

## Why it matters
The hash itself is enough to log in, so a stolen backup is a stolen password; it is broken quickly, and
PostgreSQL is going to drop it (deprecated in 18).

## How to fix
Set `password_encryption` to `scram-sha-256`, have each password set again (`\\password` in psql), then
write `scram-sha-256` instead of `md5` in `pg_hba.conf`.

## When to ignore
Clients that cannot do SCRAM, until they are replaced.

## References
PostgreSQL documentation: Password Authentication; `password_encryption`.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (passwords, settings) = (pg.passwords()?, pg.settings().ok());
    not_twice(pg)?;
    let roles: Vec<&str> = passwords
        .iter()
        .filter(|password| password.kind == "md5")
        .map(|password| password.role.as_str())
        .collect();
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let encryption = settings.and_then(|settings| settings.text("password_encryption"));
    let word =
        if roles.len() == 1 { "role has its password" } else { "roles have their passwords" };
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!("{} {word} stored as MD5: {}", roles.len(), listed(&roles, 8)),
            "Set password_encryption to scram-sha-256 and have the passwords set again.",
        )
        .with(Evidence::new("roles", roles.len() as f64, Unit::Count, "pg_authid.rolpassword"));
    let found = match encryption {
        Some(value) => {
            found.with(Evidence::new("password_encryption", value, Unit::Text, "pg_settings"))
        }
        None => found,
    };
    let mut statements = Vec::new();
    if encryption != Some("scram-sha-256") {
        statements.extend(sql::alter_system("password_encryption", "scram-sha-256", false));
    }
    statements.extend(
        roles
            .iter()
            .map(|role| format!("ALTER ROLE {} PASSWORD 'a new password';", sql::ident(role))),
    );
    Ok(vec![found.fixed_by(Fix::new(FixKind::Manual, statements))])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section};

    use super::*;
    use crate::testing::{self, edit, set};
    use dbvitals_model::pg::security::Password;

    fn found(kind: &str, encryption: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                *edit(&mut pg.passwords) = vec![Password { role: "App".into(), kind: kind.into() }];
                set(pg, "password_encryption", encryption, None);
            }),
        )
    }

    #[test]
    fn fires_for_md5_alone() {
        let one = found("md5", "md5").remove(0);
        assert_eq!(one.message, "1 role has its password stored as MD5: App");
        let fix = one.fix.unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET password_encryption = 'scram-sha-256';");
        assert_eq!(fix.statements[2], "ALTER ROLE \"App\" PASSWORD 'a new password';");
        assert_eq!(found("md5", "scram-sha-256")[0].fix.as_ref().unwrap().statements.len(), 1);
        assert!(found("scram-sha-256", "md5").is_empty());
        assert!(found("none", "md5").is_empty());
    }

    #[test]
    fn is_skipped_for_others_than_superusers() {
        let hidden = testing::pg(|pg| {
            pg.passwords = Section::unavailable(Reason::Permission, "only superusers see it");
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
    }
}
