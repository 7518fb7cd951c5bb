//! Logins without any proof.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use super::reach::{self, Listens};
use crate::pg::config::advice::listed;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};
use dbvitals_model::pg::security::HbaRule;

/// Rules of `pg_hba.conf` with the method `trust`.
pub static CHECK: Check = Check {
    id: "pg-trust-authentication",
    title: "Trust authentication",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["hba"],
    uses: &["settings"],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Lines of `pg_hba.conf` that let in whoever asks (`trust`): critical for addresses off this machine, a
warning for local connections, and for addresses off this machine while the server listens on loopback
only.

## Why it matters
Whoever reaches the port, or has any account on the machine, is every role the line names, superusers
included. A service tricked into opening a local connection is enough.

## How to fix
Replace `trust` by `scram-sha-256` for addresses and by `peer` for the unix socket, after giving the
roles passwords; then reload with `SELECT pg_reload_conf()`.

## When to ignore
Containers and tests that nobody else can reach.

## References
PostgreSQL documentation: The pg_hba.conf File; Trust Authentication.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (rules, settings) = (pg.hba()?, pg.settings().ok());
    let is_reachable =
        settings.and_then(reach::listens).is_none_or(|listens| listens != Listens::Locally);
    let trusted = |is_local: bool| -> Vec<&HbaRule> {
        let of_trust = rules.iter().filter(|rule| rule.error.is_none() && rule.method == "trust");
        of_trust.filter(|rule| reach::is_local(rule) == is_local).collect()
    };
    let (remote, local) = (trusted(false), trusted(true));
    let mut found = Vec::new();
    if !remote.is_empty() {
        let (severity, who) = if is_reachable {
            (Severity::Critical, "whoever reaches the port")
        } else {
            (Severity::Warning, "once the server listens beyond loopback, whoever reaches the port")
        };
        found.push(finding(cx, severity, "pg_hba.conf", who, &remote));
    }
    if !local.is_empty() {
        let who = "every account of the machine";
        found.push(finding(cx, Severity::Warning, "pg_hba.conf (local)", who, &local));
    }
    Ok(found)
}

fn finding(
    cx: &Context<'_>,
    severity: Severity,
    subject: &str,
    who: &str,
    rules: &[&HbaRule],
) -> Finding {
    let lines: Vec<String> = rules.iter().map(|rule| rule.line.to_string()).collect();
    let texts: Vec<String> = rules.iter().map(|rule| reach::text(rule)).collect();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    cx.finding(
        severity,
        Subject::new("setting", subject),
        format!("{word} {} of pg_hba.conf trust without proof: {who} gets in", listed(&lines, 8)),
        "Use scram-sha-256 for addresses and peer for the unix socket, then SELECT pg_reload_conf().",
    )
    .with(Evidence::new("lines", lines.len() as f64, Unit::Count, "pg_hba_file_rules"))
    .with(Evidence::new("first lines", listed(&texts, 8), Unit::Text, "pg_hba_file_rules"))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Section;

    use super::*;
    use crate::pg::security::reach::sample::rule;
    use crate::testing::{self, edit, set};

    fn found(rules: Vec<HbaRule>, listen: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                *edit(&mut pg.hba) = rules;
                set(pg, "listen_addresses", listen, None);
            }),
        )
    }

    #[test]
    fn remote_trust_is_critical_and_local_trust_a_warning() {
        let all = found(
            vec![
                rule("local", None, "trust"),
                rule("host", Some("127.0.0.1"), "trust"),
                rule("host", Some("10.0.0.0"), "trust"),
                rule("host", Some("0.0.0.0"), "scram-sha-256"),
            ],
            "*",
        );
        let worst: Vec<_> = all.iter().map(|f| (f.severity, f.subject.name.as_str())).collect();
        assert_eq!(
            worst,
            [(Severity::Critical, "pg_hba.conf"), (Severity::Warning, "pg_hba.conf (local)")]
        );
    }

    #[test]
    fn what_nobody_can_reach_is_no_emergency() {
        let all = found(vec![rule("host", Some("10.0.0.0"), "trust")], "localhost");
        assert_eq!(all[0].severity, Severity::Warning);
    }

    #[test]
    fn lines_with_errors_and_other_methods_are_silent() {
        let broken = HbaRule { error: Some("bad".into()), ..rule("host", Some("all"), "trust") };
        assert!(found(vec![broken, rule("local", None, "peer")], "*").is_empty());
    }

    #[test]
    fn is_skipped_without_rules() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.hba = Section::default()));
    }
}
