//! Nodes of a cluster that are known to exist and were not audited.

use std::collections::BTreeSet;

use super::{pairing, slot, standby};
use crate::view::PgView;

/// Sections this reads of every node: what a check that asks must declare.
pub const READS: [&str; 4] = ["recovery", "replicas", "settings", "slots"];

/// Every node known and not audited, in words; empty when the audit saw the whole cluster.
///
/// Known are connected standbys, the servers that audited standbys follow, standbys whose slot waits for them, and
/// those the user expects.
pub fn nodes(pg: &PgView<'_>) -> BTreeSet<String> {
    let members: Vec<_> = std::iter::once(*pg).chain(pg.siblings()).collect();
    let mut unseen = BTreeSet::new();
    let mut followed = BTreeSet::new();
    for member in &members {
        let _ = (member.recovery().ok(), member.settings().ok(), member.slots().ok());
        let Ok(replicas) = member.replicas() else {
            unseen.insert(format!("standbys of {}, which could not be listed", member.name()));
            continue;
        };
        for pair in pairing::pairs(member, replicas) {
            match pair.target {
                Some(target) => drop(followed.insert(target.name())),
                None => drop(unseen.insert(standby::label(pair.replica))),
            }
        }
        unseen.extend(missing(member, replicas.len(), &members));
    }
    unseen.extend(members.iter().filter(|m| !followed.contains(m.name())).filter_map(|member| {
        let recovery = member.recovery().ok().filter(|_| member.server().in_recovery)?;
        let is_known = members.iter().any(|other| {
            let port = other.settings().ok().and_then(|settings| settings.number("port"));
            other.name() != member.name() && port == recovery.sender_port.map(|port| port as f64)
        });
        let status = recovery.receiver_status.as_ref().filter(|_| !is_known)?;
        let place = match (&recovery.sender_host, recovery.sender_port) {
            (Some(host), Some(port)) => format!(" at {host}:{port}"),
            _ => String::new(),
        };
        Some(format!("the server {} follows{place} ({status})", member.name()))
    }));
    if unseen.is_empty() && members.iter().all(|member| member.server().in_recovery) {
        unseen.insert("the primary".to_owned());
    }
    unseen
}

/// Standbys that should be connected and are not.
fn missing(member: &PgView<'_>, connected: usize, members: &[PgView<'_>]) -> Vec<String> {
    let serves = |name: &str| {
        let recoveries = members.iter().filter_map(|member| member.recovery().ok());
        recoveries.filter_map(|recovery| recovery.slot_name.as_deref()).any(|own| own == name)
    };
    let slots = member.slots().ok().into_iter().flatten();
    let mut missing: Vec<String> = slots
        .filter(|one| one.kind == "physical" && !one.active && !one.temporary)
        .filter(|one| !slot::is_lost(one) && !serves(&one.name))
        .map(|one| format!("the standby of slot {} (not connected)", one.name))
        .collect();
    let expected = member.expectations().replicas.unwrap_or(0) as usize;
    let audited = members.iter().filter(|m| m.server().in_recovery).count();
    if missing.is_empty() && !member.server().in_recovery && expected > connected.max(audited) {
        missing.push(format!("{} expected and not connected", expected - connected.max(audited)));
    }
    missing
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot, TargetData,
        pg::{
            PgSnapshot,
            replication::{Replica, Slot},
        },
    };

    use super::*;
    use crate::{
        testing::{self, edit, set},
        view::Reads,
    };

    fn unseen(snapshot: &Snapshot) -> Vec<String> {
        let reads = Reads::default();
        let pg = PgView::of(snapshot, &snapshot.targets[0], &reads).unwrap();
        let nodes = nodes(&pg);
        assert!(reads.borrow().iter().all(|read| READS.contains(read)), "{reads:?}");
        nodes.into_iter().collect()
    }

    fn with_standby(change: impl FnOnce(&mut PgSnapshot)) -> Snapshot {
        let mut snapshot = testing::pg(|pg| {
            let state = Some("streaming".to_owned());
            let named = Replica { application: "s1".into(), state, ..Replica::default() };
            *edit(&mut pg.replicas) = vec![Replica { replay_lag_bytes: Some(0), ..named }];
            set(pg, "port", "5432", None);
        });
        let mut pg = testing::healthy_pg();
        pg.server.in_recovery = true;
        set(&mut pg, "port", "5433", None);
        change(&mut pg);
        snapshot.targets.push(testing::target("s1", TargetData::Postgres(Box::new(pg))));
        snapshot
    }

    #[test]
    fn a_whole_cluster_has_none() {
        assert!(unseen(&with_standby(|_| {})).is_empty());
        assert!(unseen(&testing::pg(|_| {})).is_empty(), "a server alone");
    }

    #[test]
    fn connected_standbys_without_a_target_are_unseen() {
        let mut snapshot = with_standby(|_| {});
        snapshot.targets.truncate(1);
        assert_eq!(unseen(&snapshot), ["s1"]);
    }

    #[test]
    fn who_is_missing_is_unseen() {
        let slot = Slot { name: "s2".into(), kind: "physical".into(), ..Slot::default() };
        let waiting = testing::pg(|pg| *edit(&mut pg.slots) = vec![slot.clone()]);
        assert_eq!(unseen(&waiting), ["the standby of slot s2 (not connected)"]);
        let logical = Slot { kind: "logical".into(), ..slot };
        assert!(unseen(&testing::pg(|pg| *edit(&mut pg.slots) = vec![logical])).is_empty());
        let mut expected = with_standby(|_| {});
        expected.targets[0].expectations.replicas = Some(2);
        assert_eq!(unseen(&expected), ["1 expected and not connected"]);
    }

    #[test]
    fn a_standby_alone_lacks_its_primary() {
        let mut snapshot = with_standby(|pg| {
            let recovery = edit(&mut pg.recovery);
            recovery.receiver_status = Some("streaming".into());
            (recovery.sender_host, recovery.sender_port) = (Some("db1".into()), Some(5432));
        });
        snapshot.targets.remove(0);
        assert_eq!(unseen(&snapshot), ["the server s1 follows at db1:5432 (streaming)"]);
        let mut silent = with_standby(|_| {});
        silent.targets.remove(0);
        assert_eq!(unseen(&silent), ["the primary"]);
    }

    #[test]
    fn what_cannot_be_listed_is_said() {
        let snapshot = testing::pg(|pg| pg.replicas = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(unseen(&snapshot), ["standbys of main, which could not be listed"]);
    }
}
