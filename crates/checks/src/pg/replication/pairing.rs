//! Which connected standby is which target.

use dbvitals_model::pg::replication::Replica;

use super::standby;
use crate::view::PgView;

/// A connected standby, and the target that it is.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// As the server it follows sees it.
    pub replica: &'a Replica,
    /// The same server as a target; `None` where it was not audited, or could be one of several.
    pub target: Option<PgView<'a>>,
}

/// What makes a target and a connection one, surest first. Each is used only where it is unambiguous.
const SIGNS: [fn(&PgView<'_>, &Replica) -> bool; 4] = [
    |target, replica| slot(target).is_some() && slot(target) == replica.slot_name.as_deref(),
    |target, replica| is_called(target, replica) && lives_at(target, replica),
    is_called,
    |target, replica| lives_at(target, replica) && !is_called_otherwise(target, replica),
];

/// The standbys connected to a server, each with its target.
pub fn pairs<'a>(pg: &PgView<'a>, replicas: &'a [Replica]) -> Vec<Pair<'a>> {
    let mut pairs: Vec<_> =
        standby::standbys(replicas).map(|replica| Pair { replica, target: None }).collect();
    let mut free: Vec<_> = pg.siblings().filter(|other| other.server().in_recovery).collect();
    let alone = pairs.len() == 1 && free.len() == 1;
    for is_sign in SIGNS {
        let open: Vec<_> = (0..pairs.len()).filter(|at| pairs[*at].target.is_none()).collect();
        for at in &open {
            let replica = pairs[*at].replica;
            let mut fitting = free.iter().filter(|target| is_sign(target, replica));
            let only = fitting.next().filter(|_| fitting.next().is_none()).copied();
            let Some(target) = only else { continue };
            if open.iter().filter(|other| is_sign(&target, pairs[**other].replica)).count() > 1 {
                continue;
            }
            pairs[*at].target = Some(target);
            free.retain(|other| other.name() != target.name());
        }
    }
    if let ([pair], [target], true) = (pairs.as_mut_slice(), free.as_slice(), alone)
        && !is_called_otherwise(target, pair.replica)
    {
        pair.target = Some(*target);
    }
    pairs
}

fn slot<'a>(target: &PgView<'a>) -> Option<&'a str> {
    target.recovery().ok()?.slot_name.as_deref()
}

/// The name its receiver connects with, where it has one of its own.
fn known_as<'a>(target: &PgView<'a>) -> Option<&'a str> {
    let application = target.recovery().ok().and_then(|recovery| recovery.application.as_deref());
    application.or(target.server().cluster_name.as_deref()).filter(|name| !name.is_empty())
}

fn is_called(target: &PgView<'_>, replica: &Replica) -> bool {
    known_as(target) == Some(replica.application.as_str())
}

/// Whether its receiver is known to connect with another name: it follows somebody else.
fn is_called_otherwise(target: &PgView<'_>, replica: &Replica) -> bool {
    let own = target.recovery().ok().and_then(|recovery| recovery.application.as_deref());
    own.is_some_and(|own| own != replica.application)
}

/// Whether the target was reached at the address the standby connects from.
fn lives_at(target: &PgView<'_>, replica: &Replica) -> bool {
    let Some(address) = replica.client_address.as_deref() else { return false };
    let host = if address.contains(':') { format!("[{address}]:") } else { format!("{address}:") };
    target.endpoint().starts_with(&host)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, TargetData, pg::PgSnapshot};

    use super::*;
    use crate::{
        testing::{self, edit},
        view::Reads,
    };

    fn row(application: &str, slot: Option<&str>, address: Option<&str>) -> Replica {
        Replica {
            application: application.into(),
            slot_name: slot.map(Into::into),
            client_address: address.map(Into::into),
            state: Some("streaming".into()),
            replay_lag_bytes: Some(0),
            ..Replica::default()
        }
    }

    /// The address of a standby, and what it is.
    type Node<'a> = (&'a str, &'a dyn Fn(&mut PgSnapshot));

    /// A primary with these connections, and standbys as edited.
    fn cluster(rows: Vec<Replica>, standbys: &[Node<'_>]) -> Snapshot {
        let mut primary = testing::healthy_pg();
        *edit(&mut primary.replicas) = rows;
        let mut targets = vec![testing::target("main", TargetData::Postgres(Box::new(primary)))];
        for (endpoint, change) in standbys {
            let mut pg = testing::healthy_pg();
            pg.server.in_recovery = true;
            change(&mut pg);
            let mut target = testing::target(endpoint, TargetData::Postgres(Box::new(pg)));
            target.endpoint = format!("{endpoint}:5432/app");
            targets.push(target);
        }
        testing::snapshot(targets)
    }

    fn paired(snapshot: &Snapshot) -> Vec<Option<String>> {
        let reads = Reads::default();
        let pg = PgView::of(snapshot, &snapshot.targets[0], &reads).unwrap();
        let pairs = pairs(&pg, pg.replicas().unwrap());
        pairs.iter().map(|pair| pair.target.map(|target| target.name().to_owned())).collect()
    }

    fn called(name: &'static str) -> impl Fn(&mut PgSnapshot) {
        move |pg| edit(&mut pg.recovery).application = Some(name.to_owned())
    }

    #[test]
    fn slots_then_names_then_addresses_tell() {
        let rows = vec![
            row("walreceiver", Some("a"), None),
            row("b", None, None),
            row("walreceiver", None, Some("10.0.0.3")),
        ];
        let by_slot = |pg: &mut PgSnapshot| edit(&mut pg.recovery).slot_name = Some("a".into());
        let by_name = called("b");
        let snapshot =
            cluster(rows, &[("10.0.0.3", &|_| {}), ("two", &by_name), ("one", &by_slot)]);
        let wanted = ["one", "two", "10.0.0.3"].map(|name| Some(name.to_owned()));
        assert_eq!(paired(&snapshot), wanted);
    }

    #[test]
    fn two_of_a_kind_are_told_apart_by_address_or_not_at_all() {
        let rows = |addresses: [&str; 2]| {
            addresses.map(|address| row("walreceiver", None, Some(address))).to_vec()
        };
        let nothing = |_: &mut PgSnapshot| {};
        let nodes: [Node<'_>; 2] = [("10.0.0.2", &nothing), ("10.0.0.3", &nothing)];
        let apart = cluster(rows(["10.0.0.3", "10.0.0.2"]), &nodes);
        assert_eq!(paired(&apart), [Some("10.0.0.3".to_owned()), Some("10.0.0.2".to_owned())]);
        assert_eq!(paired(&cluster(rows(["10.0.0.9", "10.0.0.9"]), &nodes)), [None, None]);
    }

    #[test]
    fn an_address_alone_tells_nothing_of_who_has_another_name() {
        let cascaded = called("s2");
        let rows = vec![row("s1", Some("s1"), Some("10.0.0.2"))];
        assert_eq!(paired(&cluster(rows, &[("10.0.0.2", &cascaded)])), [None]);
    }

    #[test]
    fn the_only_one_is_it_unless_its_name_differs() {
        let only = |change: &dyn Fn(&mut PgSnapshot)| {
            paired(&cluster(vec![row("s1", None, None)], &[("a", change)])).remove(0)
        };
        assert_eq!(only(&|_| {}).as_deref(), Some("a"));
        assert_eq!(only(&called("cascaded")), None);
    }
}
