//! From a primary to the standbys it knows, with the same login.

use std::net::IpAddr;

use dbvitals_checks::{
    pg::replication::{pairing, standby},
    view::{PgView, Reads},
};
use dbvitals_model::{Snapshot, TargetData};
use futures_util::future::join_all;

use super::{Options, Seen, one};
use crate::{
    config::target::{Server, Target},
    progress::Progress,
};

/// A standby to try, and the primary that told of it.
struct Lead {
    /// The place of the primary among the targets.
    of: usize,
    system_identifier: Option<i64>,
    /// As the primary calls it.
    label: String,
    target: Target,
}

/// Looks at the standbys of those targets that ask for it. Whoever cannot be reached, or turns out to be somebody else,
/// becomes a problem of the primary.
pub(super) async fn standbys(
    targets: &[Target],
    snapshot: &mut Snapshot,
    options: &Options,
    progress: &Progress,
) -> Vec<(Target, Seen)> {
    let leads: Vec<Lead> =
        (0..targets.len()).flat_map(|place| leads(targets, place, snapshot)).collect();
    let looks = leads.iter().map(|lead| one(&lead.target, options, progress));
    let seen = join_all(looks).await;
    let mut found = Vec::new();
    for (lead, seen) in leads.into_iter().zip(seen) {
        match stranger(&lead, &seen.data) {
            None => found.push((lead.target, seen)),
            Some(why) => {
                let place = lead.target.server.endpoint();
                let text = format!("standby {} was not audited at {place}: {why}", lead.label);
                snapshot.targets[lead.of].problems.push(text);
            }
        }
    }
    found
}

/// The connected standbys of a target that are no targets yet.
///
/// A standby tells from where it connects, not where it listens: the port is that of its primary.
fn leads(targets: &[Target], place: usize, snapshot: &Snapshot) -> Vec<Lead> {
    let target = &targets[place];
    let Server::Postgres(server) = &target.server else { return Vec::new() };
    let reads = Reads::default();
    let view =
        PgView::of(snapshot, &snapshot.targets[place], &reads).filter(|_| target.with_replicas);
    let Some((view, replicas)) = view.and_then(|view| Some((view, view.replicas().ok()?))) else {
        return Vec::new();
    };
    let mut leads: Vec<Lead> = Vec::new();
    for pair in pairing::pairs(&view, replicas).iter().filter(|pair| pair.target.is_none()) {
        let label = standby::label(pair.replica);
        let address = pair.replica.client_address.as_deref();
        let Some(address) = address.and_then(|text| text.parse::<IpAddr>().ok()) else { continue };
        let name = format!("{}/{label}", target.name);
        if leads.iter().any(|lead| lead.target.name == name) {
            continue;
        }
        leads.push(Lead {
            of: place,
            system_identifier: view.server().system_identifier,
            label,
            target: Target {
                name,
                role: None,
                server: Server::Postgres(Box::new(server.at(address, server.port()))),
                ..target.clone()
            },
        });
    }
    leads
}

/// Why what answered is not the standby, if it is not.
fn stranger(lead: &Lead, data: &TargetData) -> Option<String> {
    match data {
        TargetData::Postgres(pg) if !pg.server.in_recovery => {
            Some("a primary answers there; name the standby with its port as a target".to_owned())
        }
        TargetData::Postgres(pg) if pg.server.system_identifier != lead.system_identifier => {
            Some("a server of another cluster answers there".to_owned())
        }
        TargetData::Postgres(_) => None,
        TargetData::Unreachable { why, .. } => Some(why.detail.clone()),
        _ => Some("it is no PostgreSQL server".to_owned()),
    }
}
