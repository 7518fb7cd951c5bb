//! Clients that talk to the server in clear over a network.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::session;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::PgView,
    words,
};

/// Sessions from another machine without TLS, by user.
pub static CHECK: Check = Check {
    id: "pg-unencrypted-connections",
    title: "Unencrypted connections",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["activity"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Sessions, replication included, that come from another machine and do not use TLS. One finding per user.

## Why it matters
Whoever can see the network between reads the data and the statements, and can change both.

## How to fix
Set `ssl = on` with a certificate, `sslmode=verify-full` in the clients, and `hostssl` instead of `host` in
`pg_hba.conf`, so that clear connections are refused.

## When to ignore
Networks that encrypt by themselves (a service mesh, WireGuard, GSSAPI encryption). Loopback addresses and
unix sockets are never reported.

## References
PostgreSQL documentation: Secure TCP/IP Connections with SSL; The pg_hba.conf File.
",
    run: Run::Postgres(run),
};

/// How many addresses of a user the evidence names.
const NAMED: usize = 5;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let sessions = pg.activity()?;
    let remote = sessions
        .iter()
        .filter(|session| !session::is_own(pg, session.pid))
        .filter_map(|session| Some((session, foreign(session.client_address.as_deref()?)?)));
    let mut users: BTreeMap<&str, (usize, BTreeSet<IpAddr>)> = BTreeMap::new();
    let mut unknown = 0_usize;
    for (session, address) in remote {
        match session.tls {
            Some(true) => {}
            None => unknown += 1,
            Some(false) => {
                let entry = users.entry(session.user.as_deref().unwrap_or("unknown")).or_default();
                entry.0 += 1;
                entry.1.insert(address);
            }
        }
    }
    if users.is_empty() && unknown > 0 {
        return Err(Skip::permission(
            "which sessions use TLS is hidden",
            format!("GRANT pg_read_all_stats TO {};", sql::ident(&pg.server().user)),
        ));
    }
    let finding = |(user, (count, addresses)): (&str, (usize, BTreeSet<IpAddr>))| {
        let count = count as f64;
        let named: Vec<_> = addresses.iter().take(NAMED).map(IpAddr::to_string).collect();
        let plural = if addresses.len() == 1 { "address" } else { "addresses" };
        cx.finding(
            Severity::Warning,
            Subject::new("role", user),
            format!(
                "role {user} is connected without TLS {} times from {} other {plural}",
                words::count(count),
                addresses.len()
            ),
            "Use sslmode=verify-full in the client, then hostssl instead of host in pg_hba.conf.",
        )
        .with(Evidence::new("sessions", count, Unit::Count, "pg_stat_ssl"))
        .with(Evidence::new(
            "addresses",
            named.join(", "),
            Unit::Text,
            "pg_stat_activity.client_addr",
        ))
    };
    session::unless_hidden(users.into_iter().map(finding).collect(), pg, sessions)
}

/// The address, when it is another machine's.
fn foreign(address: &str) -> Option<IpAddr> {
    let host = address.split('/').next().unwrap_or_default();
    let address: IpAddr = host.split('%').next().unwrap_or_default().parse().ok()?;
    let address = address.to_canonical();
    (!address.is_loopback()).then_some(address)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::activity::Session};

    use super::*;
    use crate::testing::{self, edit};

    fn from(address: Option<&str>, tls: Option<bool>) -> Session {
        Session {
            pid: 5,
            user: Some("web".into()),
            client_address: address.map(str::to_owned),
            tls,
            ..Session::default()
        }
    }

    fn with(sessions: Vec<Session>) -> Snapshot {
        testing::pg(|pg| {
            pg.server.own_pids = vec![99];
            *edit(&mut pg.activity) = sessions;
        })
    }

    #[test]
    fn one_finding_per_user_with_addresses() {
        let clear = from(Some("10.0.0.7/32"), Some(false));
        let found = testing::findings(&CHECK, &with(vec![clear.clone(), clear]));
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].message,
            "role web is connected without TLS 2 times from 1 other address"
        );
        assert_eq!(found[0].key, "pg-unencrypted-connections@main/role:web");
    }

    #[test]
    fn what_does_not_cross_a_network_in_clear_is_silent() {
        let quiet = [
            from(Some("127.0.0.1"), Some(false)),
            from(Some("::1/128"), Some(false)),
            from(Some("::ffff:127.0.0.1"), Some(false)),
            from(None, Some(false)),
            from(Some("10.0.0.7"), Some(true)),
            Session { pid: 99, ..from(Some("10.0.0.7"), Some(false)) },
        ];
        assert!(testing::findings(&CHECK, &with(quiet.to_vec())).is_empty());
    }

    #[test]
    fn is_skipped_when_hidden_or_missing() {
        let hidden = with(vec![from(Some("10.0.0.7"), None)]);
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
        let none = testing::pg(|pg| pg.activity = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
