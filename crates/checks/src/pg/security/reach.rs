//! From where a server can be reached, and what a line of `pg_hba.conf` admits.

use std::net::IpAddr;

use dbvitals_model::pg::{instance::Settings, security::HbaRule};

use crate::{skip::Skip, view::PgView};

/// Where a server accepts connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listens {
    /// On loopback addresses or the unix socket only.
    Locally,
    /// On some addresses.
    OnSome,
    /// On every address of the machine.
    OnAll,
}

/// `listen_addresses`; `None` where it is not known.
pub fn listens(settings: &Settings) -> Option<Listens> {
    let addresses = settings.text("listen_addresses")?;
    let mut reach = Listens::Locally;
    for address in addresses.split(',').map(|part| part.trim().trim_matches('"')) {
        match address {
            "*" | "0.0.0.0" | "::" => return Some(Listens::OnAll),
            "" => {}
            _ if is_loopback(address) => {}
            _ => reach = Listens::OnSome,
        }
    }
    Some(reach)
}

/// Whether a line is about connections from the machine itself only.
pub fn is_local(rule: &HbaRule) -> bool {
    match rule.address.as_deref() {
        None => rule.kind == "local",
        Some("samehost") => true,
        Some(address) => is_loopback(address) && mask_keeps_loopback(rule),
    }
}

/// Whether a line admits connections from anywhere.
pub fn is_from_anywhere(rule: &HbaRule) -> bool {
    match rule.address.as_deref() {
        Some("all") => true,
        Some("0.0.0.0" | "::") => {
            rule.netmask.as_deref().is_none_or(|mask| matches!(mask, "0.0.0.0" | "::"))
        }
        _ => false,
    }
}

/// Whether a line admits connections without encryption.
pub fn admits_plain_text(rule: &HbaRule) -> bool {
    matches!(rule.kind.as_str(), "host" | "hostnossl" | "hostnogssenc") && rule.method != "reject"
}

/// The line as it stands in the file, more or less.
pub fn text(rule: &HbaRule) -> String {
    let mut parts = vec![rule.kind.clone(), rule.databases.join(","), rule.users.join(",")];
    parts.extend(rule.address.clone());
    parts.extend(rule.netmask.clone());
    parts.push(rule.method.clone());
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// Roles are the same on all nodes of a cluster: a standby is not told again what its primary is told.
pub fn not_twice(pg: &PgView<'_>) -> Result<(), Skip> {
    if pg.server().in_recovery && pg.siblings().any(|node| !node.server().in_recovery) {
        return Err(Skip::not_applicable("the primary of this standby is judged instead"));
    }
    Ok(())
}

fn is_loopback(address: &str) -> bool {
    address == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// `127.0.0.1` with a mask shorter than that of the loopback network admits others.
fn mask_keeps_loopback(rule: &HbaRule) -> bool {
    match rule.netmask.as_deref().map(str::parse::<IpAddr>) {
        Some(Ok(IpAddr::V4(mask))) => mask.octets()[0] == 255,
        Some(Ok(IpAddr::V6(mask))) => mask.segments().iter().all(|part| *part == 0xffff),
        _ => true,
    }
}

/// Samples for the tests of the checks.
#[cfg(test)]
pub mod sample {
    use super::*;

    /// A line for all databases and roles; a network where the address ends in `.0`.
    pub fn rule(kind: &str, address: Option<&str>, method: &str) -> HbaRule {
        let mask = match address {
            Some("0.0.0.0") => Some("0.0.0.0"),
            Some(ip) if ip.ends_with(".0") => Some("255.0.0.0"),
            Some(ip) if ip.contains('.') => Some("255.255.255.255"),
            _ => None,
        };
        HbaRule {
            line: 1,
            kind: kind.into(),
            databases: vec!["all".into()],
            users: vec!["all".into()],
            address: address.map(str::to_owned),
            netmask: mask.map(str::to_owned),
            method: method.into(),
            error: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{sample::rule, *};
    use crate::testing;

    fn listening(on: &str) -> Listens {
        let mut pg = testing::healthy_pg();
        testing::set(&mut pg, "listen_addresses", on, None);
        listens(pg.settings.value().unwrap()).unwrap()
    }

    #[test]
    fn listening_is_read_from_the_list() {
        assert_eq!(listening(""), Listens::Locally);
        assert_eq!(listening("localhost, ::1"), Listens::Locally);
        assert_eq!(listening("localhost, 10.0.0.5"), Listens::OnSome);
        assert_eq!(listening("0.0.0.0"), Listens::OnAll);
        assert_eq!(listening("*"), Listens::OnAll);
    }

    #[test]
    fn lines_are_local_or_not() {
        assert!(is_local(&rule("local", None, "peer")));
        assert!(is_local(&rule("host", Some("127.0.0.1"), "md5")));
        assert!(is_local(&rule("host", Some("::1"), "md5")));
        assert!(!is_local(&rule("host", Some("10.0.0.0"), "md5")));
        assert!(!is_local(&rule("host", Some("samenet"), "md5")));
        let wide =
            HbaRule { netmask: Some("0.0.0.0".into()), ..rule("host", Some("127.0.0.1"), "md5") };
        assert!(!is_local(&wide));
    }

    #[test]
    fn only_some_lines_admit_everybody() {
        assert!(is_from_anywhere(&rule("host", Some("0.0.0.0"), "md5")));
        assert!(is_from_anywhere(&rule("host", Some("all"), "md5")));
        assert!(!is_from_anywhere(&rule("host", Some("10.0.0.0"), "md5")));
        assert!(!admits_plain_text(&rule("hostssl", Some("all"), "md5")));
        assert_eq!(text(&rule("local", None, "peer")), "local all all peer");
    }
}
