//! Servers learnt from this one.

use dbvitals_model::pg::PgSnapshot;

/// The standbys of a primary and the sender of a standby, as `host:port name`.
///
/// A standby tells from where it connects, not where it listens: the port is the one this server was reached by.
pub(super) fn offered(snapshot: &PgSnapshot, endpoint: &str) -> Vec<String> {
    let port = port_of(endpoint, &snapshot.server.database).unwrap_or("5432");
    let replicas = snapshot.replicas.value().map_or(&[][..], Vec::as_slice);
    let standbys = replicas.iter().filter(|replica| !replica.is_logical).filter_map(|replica| {
        let host = replica.client_address.as_deref()?;
        Some(format!("{}:{port} {}", bracketed(host), replica.application))
    });
    let sender = snapshot.recovery.value().and_then(|recovery| {
        let host = recovery.sender_host.as_deref().filter(|host| !host.starts_with('/'))?;
        Some(format!("{}:{} primary", bracketed(host), recovery.sender_port?))
    });
    let mut all: Vec<String> = standbys.chain(sender).collect();
    all.sort();
    all.dedup();
    all
}

/// The port of `host:port/database`.
fn port_of<'a>(endpoint: &'a str, database: &str) -> Option<&'a str> {
    let place = endpoint.strip_suffix(database).and_then(|rest| rest.strip_suffix('/'));
    let (_, port) = place.unwrap_or(endpoint).rsplit_once(':')?;
    (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())).then_some(port)
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Section,
        pg::replication::{Recovery, Replica},
    };

    use super::*;

    #[test]
    fn standbys_and_sender_are_named() {
        let replica = |address: Option<&str>, name: &str, is_logical| Replica {
            client_address: address.map(Into::into),
            application: name.into(),
            client_port: Some(40_000),
            is_logical,
            ..Replica::default()
        };
        let mut snapshot = PgSnapshot {
            replicas: Section::collected(vec![
                replica(Some("10.0.0.2"), "s1", false),
                replica(Some("fd00::2"), "s2", false),
                replica(Some("10.0.0.9"), "subscriber", true),
                replica(None, "local", false),
            ]),
            recovery: Section::collected(Recovery {
                sender_host: Some("10.0.0.1".into()),
                sender_port: Some(5433),
                ..Recovery::default()
            }),
            ..PgSnapshot::default()
        };
        snapshot.server.database = "a/p:p".into();
        let offered = offered(&snapshot, "db.example:6000/a/p:p");
        assert_eq!(offered, ["10.0.0.1:5433 primary", "10.0.0.2:6000 s1", "[fd00::2]:6000 s2"]);
    }

    #[test]
    fn an_endpoint_without_a_port_offers_the_usual_one() {
        assert_eq!(port_of("db.example:6000/app", "app"), Some("6000"));
        assert_eq!(port_of("/run/postgresql:5433/app", "app"), Some("5433"));
        assert_eq!(port_of("host:/app", "app"), None);
        assert_eq!(port_of("host", "app"), None);
    }
}
