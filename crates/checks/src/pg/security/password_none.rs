//! Roles without a password.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::reach::not_twice;
use crate::pg::config::advice::{listed, many};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};
use dbvitals_model::pg::security::HbaRule;

/// Roles that may log in, have no password, and need one.
pub static CHECK: Check = Check {
    id: "pg-password-none",
    title: "Role without password",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["passwords", "hba"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Roles that may log in and have no password. A warning where a `trust` line admits them; information
where only lines that ask for a password do, so that they cannot log in. Roles that prove themselves
otherwise (`peer`, `cert`, `gss`, `ldap` …) are silent.

## Why it matters
Without a password nothing but the trusted line stands before the role; where a password is asked for,
the role is dead weight that somebody will one day give a weak one.

## How to fix
Give them a password, or take LOGIN away (`ALTER ROLE … NOLOGIN`) when nobody logs in with them.

## When to ignore
Roles that are about to get their first password.

## References
PostgreSQL documentation: Role Attributes; The pg_hba.conf File.
",
    run: Run::Postgres(run),
};

/// Methods that ask for a password the server keeps.
const ASKING: &[&str] = &["md5", "password", "scram-sha-256"];

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (passwords, rules) = (pg.passwords()?, pg.hba()?);
    not_twice(pg)?;
    let (mut trusted, mut locked_out) = (Vec::new(), Vec::new());
    for role in passwords.iter().filter(|p| p.kind == "none").map(|p| p.role.as_str()) {
        let methods: Vec<&str> = rules
            .iter()
            .filter(|rule| rule.error.is_none() && admits(rule, role) && rule.method != "reject")
            .map(|rule| rule.method.as_str())
            .collect();
        if methods.contains(&"trust") {
            trusted.push(role);
        } else if methods.iter().all(|method| ASKING.contains(method)) {
            locked_out.push(role);
        }
    }
    let kinds = [
        (Severity::Warning, "trusted", trusted, "no password, trusted by pg_hba.conf"),
        (Severity::Info, "locked out", locked_out, "LOGIN but no password, which cannot log in"),
    ];
    let found = kinds.into_iter().filter(|(_, _, roles, _)| !roles.is_empty());
    let found = found.map(|(severity, kind, roles, what)| {
        cx.finding(
            severity,
            Subject::new("server", format!("{} ({kind})", pg.name())),
            format!("{} with {what}: {}", many(roles.len(), "role"), listed(&roles, 8)),
            "Give them a password, or take LOGIN away when nobody logs in with them.",
        )
        .with(Evidence::new(
            "roles",
            roles.len() as f64,
            Unit::Count,
            "pg_authid, pg_hba_file_rules",
        ))
    });
    Ok(found.collect())
}

/// Whether a line may be about the role; groups and patterns are taken to be.
fn admits(rule: &HbaRule, role: &str) -> bool {
    rule.users.iter().any(|user| user == "all" || user == role || user.starts_with(['+', '/']))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::pg::security::reach::sample::rule;
    use crate::testing::{self, edit};
    use dbvitals_model::pg::security::Password;

    fn found(rules: Vec<HbaRule>, kind: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                *edit(&mut pg.passwords) = vec![Password { role: "app".into(), kind: kind.into() }];
                *edit(&mut pg.hba) = rules;
            }),
        )
    }

    #[test]
    fn trusted_roles_are_a_warning_and_useless_ones_information() {
        let trust =
            found(vec![rule("local", None, "trust"), rule("host", Some("all"), "md5")], "none");
        assert_eq!(trust[0].severity, Severity::Warning);
        let asked = found(vec![rule("host", Some("all"), "scram-sha-256")], "none");
        assert_eq!(asked[0].severity, Severity::Info);
    }

    #[test]
    fn other_proof_and_passwords_are_silent() {
        let peer = || vec![rule("local", None, "peer"), rule("host", Some("all"), "scram-sha-256")];
        assert!(found(peer(), "none").is_empty());
        assert!(found(vec![rule("local", None, "trust")], "scram-sha-256").is_empty());
    }

    #[test]
    fn lines_for_other_roles_do_not_count() {
        let other = HbaRule { users: vec!["boss".into()], ..rule("local", None, "trust") };
        assert_eq!(found(vec![other], "none")[0].severity, Severity::Info);
    }

    #[test]
    fn is_skipped_without_rules() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.hba = Section::default()));
    }
}
