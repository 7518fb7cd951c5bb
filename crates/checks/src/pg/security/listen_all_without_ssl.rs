//! Open to everybody, unencrypted.

use dbvitals_model::{Evidence, Severity, Unit};

use super::reach::{self, Listens};
use crate::pg::config::advice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};
use dbvitals_model::pg::security::HbaRule;

/// A server that listens everywhere and admits plain text from anywhere.
pub static CHECK: Check = Check {
    id: "pg-listen-all-without-ssl",
    title: "Open to all without TLS",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings", "hba"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
The server listens on all addresses, and a line of `pg_hba.conf` admits unencrypted connections from any
address (`host` or `hostnossl` with `0.0.0.0/0`, `::/0` or `all`).

## Why it matters
Only a firewall, if there is one, stands between the server and everybody's guesses of passwords, and
what passes can be read on the way.

## How to fix
Listen on the addresses that are needed, write their networks instead of all, and `hostssl` instead of
`host`; then reload (`listen_addresses` needs a restart).

## When to ignore
Containers whose port is not published.

## References
PostgreSQL documentation: The pg_hba.conf File; `listen_addresses`.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, rules) = (pg.settings()?, pg.hba()?);
    let listens = reach::listens(settings);
    let listens = listens.ok_or_else(|| Skip::not_applicable("listen_addresses is not known"))?;
    let open: Vec<&HbaRule> = rules
        .iter()
        .filter(|rule| rule.error.is_none())
        .filter(|rule| reach::is_from_anywhere(rule) && reach::admits_plain_text(rule))
        .collect();
    if listens != Listens::OnAll || open.is_empty() {
        return Ok(Vec::new());
    }
    let lines: Vec<String> = open.iter().map(|rule| rule.line.to_string()).collect();
    let texts: Vec<String> = open.iter().map(|rule| reach::text(rule)).collect();
    let found = advice::about(
        cx,
        Severity::Warning,
        settings,
        "listen_addresses",
        format!(
            "the server listens on all addresses and admits plain text from anywhere: line {} of pg_hba.conf",
            advice::listed(&lines, 8)
        ),
        "Name addresses and networks instead of all, and use hostssl instead of host.",
    )
    .with(Evidence::new("lines", advice::listed(&texts, 8), Unit::Text, "pg_hba_file_rules"))
    .with(Evidence::new("ssl", settings.text("ssl").unwrap_or("unknown"), Unit::Text, "pg_settings"));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::pg::security::reach::sample::rule;
    use crate::testing::{self, edit, set};

    fn found(listen: &str, rule: HbaRule) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "listen_addresses", listen, None);
                *edit(&mut pg.hba) = vec![rule];
            }),
        )
    }

    #[test]
    fn fires_only_when_both_doors_are_open() {
        assert_eq!(found("*", rule("host", Some("0.0.0.0"), "scram-sha-256")).len(), 1);
        assert!(found("10.0.0.5", rule("host", Some("0.0.0.0"), "scram-sha-256")).is_empty());
        assert!(found("*", rule("hostssl", Some("0.0.0.0"), "scram-sha-256")).is_empty());
        assert!(found("*", rule("host", Some("10.0.0.0"), "scram-sha-256")).is_empty());
        assert!(found("*", rule("host", Some("all"), "reject")).is_empty());
    }

    #[test]
    fn is_skipped_without_rules() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.hba = Section::default()));
    }
}
