//! Connections nobody can encrypt.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::reach::{self, Listens};
use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// `ssl` is off on a server that others can reach.
pub static CHECK: Check = Check {
    id: "pg-ssl-off",
    title: "TLS is off",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
`ssl` is off and the server listens on addresses other than loopback.

## Why it matters
Statements, rows and, with some methods, passwords pass in plain text, and a client cannot tell the
server from somebody in between.

## How to fix
Give the server a certificate and key (`ssl_cert_file`, `ssl_key_file`), switch `ssl` on and reload;
then write `hostssl` in `pg_hba.conf` and `sslmode=verify-full` in the clients.

## When to ignore
Networks that are encrypted below (WireGuard, a service mesh), or a proxy on the same machine that does
it.

## References
PostgreSQL documentation: Secure TCP/IP Connections with SSL.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let setting = advice::setting(settings, "ssl")?;
    let listens = reach::listens(settings);
    let listens = listens.ok_or_else(|| Skip::not_applicable("listen_addresses is not known"))?;
    if setting.value == "on" || listens == Listens::Locally {
        return Ok(Vec::new());
    }
    let addresses = settings.text("listen_addresses").unwrap_or_default();
    let found = advice::about(
        cx,
        Severity::Warning,
        settings,
        "ssl",
        format!(
            "ssl is off while the server listens on {addresses}: everything passes in plain text"
        ),
        "Give the server a certificate, switch ssl on, and use hostssl lines.",
    )
    .with(Evidence::new("listen_addresses", addresses, Unit::Text, "pg_settings"))
    .fixed_by(change(settings, FixKind::Manual, &[("ssl", "on".to_owned())]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, set};

    fn found(ssl: &str, listen: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "ssl", ssl, None);
                set(pg, "listen_addresses", listen, None);
            }),
        )
    }

    #[test]
    fn fires_for_servers_others_can_reach() {
        assert_eq!(found("off", "10.0.0.5").len(), 1);
        assert_eq!(found("off", "*")[0].subject.name, "ssl");
        assert!(found("on", "*").is_empty());
        assert!(found("off", "localhost").is_empty());
        assert!(found("off", "").is_empty());
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
        testing::skipped(&CHECK, &testing::pg(|pg| set(pg, "ssl", "off", None)));
    }
}
