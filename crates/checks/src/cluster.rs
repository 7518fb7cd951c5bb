//! Which targets are one cluster, for the report: roles, lag, read shares, drift, failover.

use std::collections::BTreeSet;

use dbvitals_model::{
    Snapshot, TargetData, TargetSnapshot,
    cluster::{Cluster, ClusterNode, Lag, SettingDifference},
    pg::replication::Replica,
};

use crate::{
    context::Context,
    pg::replication::{
        failover, failover_not_ready, pairing, parity,
        read_share::{self, Shares},
        standby, two_primaries, unseen,
    },
    settings::Settings,
    view::{PgView, Reads},
    words,
};

/// The clusters of a snapshot. A server without standbys is none.
pub fn clusters(snapshot: &Snapshot, settings: &Settings) -> Vec<Cluster> {
    let reads = Reads::default();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut clusters = Vec::new();
    for target in &snapshot.targets {
        let Some(view) = PgView::of(snapshot, target, &reads) else { continue };
        if !matches!(target.data, TargetData::Postgres(_)) || seen.contains(view.name()) {
            continue;
        }
        let members: Vec<_> = std::iter::once(view).chain(view.siblings()).collect();
        seen.extend(members.iter().map(PgView::name));
        let has_standby = |member: &PgView<'_>| {
            member.server().in_recovery
                || standby::standbys(member.replicas().map_or(&[][..], Vec::as_slice)).count() > 0
        };
        if members.iter().any(has_standby) {
            clusters.push(Assembly::new(members, settings).cluster());
        }
    }
    clusters
}

/// Servers a target told of that are no targets themselves.
pub(crate) fn offered(snapshot: &Snapshot, target: &TargetSnapshot) -> Vec<String> {
    let reads = Reads::default();
    let Some(view) = PgView::of(snapshot, target, &reads) else { return target.offered.clone() };
    let pairs = pairing::pairs(&view, view.replicas().map_or(&[][..], Vec::as_slice));
    let has_primary = view.siblings().any(|other| !other.server().in_recovery);
    let is_target = |offered: &&String| {
        let (place, name) = offered.split_once(' ').unwrap_or((offered, ""));
        let is_pair = |pair: &pairing::Pair<'_>| {
            let address = pair.replica.client_address.as_deref().unwrap_or_default();
            let host = place.rsplit_once(':').map_or(place, |(host, _)| host);
            pair.target.is_some()
                && pair.replica.application == name
                && host.trim_matches(['[', ']']) == address
        };
        (name == "primary" && has_primary) || pairs.iter().any(is_pair)
    };
    target.offered.iter().filter(|offered| !is_target(offered)).cloned().collect()
}

/// A cluster being put together.
struct Assembly<'a> {
    members: Vec<PgView<'a>>,
    /// The member that accepts writes; of several, the one on the latest timeline.
    primary: Option<PgView<'a>>,
    shares: Option<Shares<'a>>,
    settings: &'a Settings,
    nodes: Vec<ClusterNode>,
}

impl<'a> Assembly<'a> {
    fn new(members: Vec<PgView<'a>>, settings: &'a Settings) -> Self {
        let writers = members.iter().filter(|member| !member.server().in_recovery);
        let primary = writers.max_by_key(|member| member.server().timeline).copied();
        let shares = read_share::shares(&members).ok().filter(|_| members.len() > 1);
        Self { members, primary, shares, settings, nodes: Vec::new() }
    }

    fn cluster(mut self) -> Cluster {
        let (primary, members) = (self.primary, self.members.clone());
        let writers: Vec<_> =
            members.iter().filter(|member| !member.server().in_recovery).copied().collect();
        for root in primary.iter().chain(&writers).chain(&members) {
            self.visit(root, None);
        }
        let named = primary.or(members.first().copied());
        let mut unseen = BTreeSet::new();
        unseen.extend(named.iter().flat_map(unseen::nodes));
        Cluster {
            name: named.map(|member| member.name().to_owned()).unwrap_or_default(),
            notes: split(&writers).into_iter().collect(),
            reads: self.shares.as_ref().map(|shares| shares.basis),
            nodes: self.nodes,
            unseen: unseen.into_iter().collect(),
        }
    }

    /// Files a member, then whoever follows it. Members that follow another one wait for it.
    fn visit(&mut self, member: &PgView<'a>, followed: Option<(&PgView<'a>, &Replica)>) {
        let is_filed = self.nodes.iter().any(|node| node.audited && node.name == member.name());
        if is_filed || (followed.is_none() && self.follows_a_member(member)) {
            return;
        }
        let node = self.node(member, followed);
        self.nodes.push(node);
        let Ok(replicas) = member.replicas() else { return };
        for pair in pairing::pairs(member, replicas) {
            match pair.target {
                Some(target) => self.visit(&target, Some((member, pair.replica))),
                None => self.nodes.push(self.stranger(member, pair.replica)),
            }
        }
    }

    fn follows_a_member(&self, member: &PgView<'a>) -> bool {
        let others = self.members.iter().filter(|other| other.name() != member.name());
        member.server().in_recovery
            && others.filter_map(|other| Some((other, other.replicas().ok()?))).any(|(o, rows)| {
                let mut targets =
                    pairing::pairs(o, rows).into_iter().filter_map(|pair| pair.target);
                targets.any(|target| target.name() == member.name())
            })
    }

    /// A node that was audited.
    fn node(&self, member: &PgView<'a>, followed: Option<(&PgView<'a>, &Replica)>) -> ClusterNode {
        let in_recovery = member.server().in_recovery;
        let recovery = member.recovery().ok().filter(|_| in_recovery);
        let base = match followed {
            Some((upstream, replica)) => self.followed(upstream, replica, Some(member)),
            None => ClusterNode {
                state: recovery.and_then(|recovery| recovery.receiver_status.clone()),
                lag: Lag {
                    replay_bytes: recovery.and_then(|recovery| recovery.replay_lag_bytes),
                    ..Lag::default()
                },
                ..ClusterNode::default()
            },
        };
        let own_slot = recovery.and_then(|recovery| recovery.slot_name.clone());
        ClusterNode {
            name: member.name().to_owned(),
            audited: true,
            role: if in_recovery { "standby" } else { "primary" }.to_owned(),
            timeline: member.server().timeline.or(recovery.and_then(|recovery| recovery.timeline)),
            slot: base.slot.or(own_slot),
            conflicts: in_recovery.then(|| conflicts(member)).flatten(),
            read_ratio: self.shares.as_ref().and_then(|shares| shares.of(member.name())),
            settings: self.drift(member),
            ..base
        }
    }

    /// A standby of which only the server it follows told.
    fn stranger(&self, upstream: &PgView<'a>, replica: &Replica) -> ClusterNode {
        self.followed(upstream, replica, None)
    }

    fn followed(
        &self,
        upstream: &PgView<'a>,
        replica: &Replica,
        target: Option<&PgView<'a>>,
    ) -> ClusterNode {
        let is_of_primary = self.primary.is_some_and(|primary| primary.name() == upstream.name());
        let context = Context::new(&failover_not_ready::CHECK, self.settings, upstream.name());
        let max_lag = context.limit(&failover_not_ready::MAX_LAG);
        let points = failover::points(upstream, replica, target, max_lag);
        ClusterNode {
            name: standby::label(replica),
            role: "standby".to_owned(),
            upstream: Some(upstream.name().to_owned()),
            state: replica.state.clone(),
            sync_state: replica.sync_state.clone(),
            slot: replica.slot_name.clone(),
            lag: Lag {
                write_bytes: replica.write_lag_bytes,
                flush_bytes: replica.flush_lag_bytes,
                replay_bytes: replica.replay_lag_bytes,
                write_ms: replica.write_lag_ms,
                flush_ms: replica.flush_lag_ms,
                replay_ms: replica.replay_lag_ms,
            },
            failover: points.ok().filter(|_| is_of_primary).unwrap_or_default(),
            ..ClusterNode::default()
        }
    }

    fn drift(&self, member: &PgView<'a>) -> Vec<SettingDifference> {
        let primary = self.primary.filter(|_| member.server().in_recovery);
        let both = primary.and_then(|p| Some((p.settings().ok()?, member.settings().ok()?)));
        let Some((ours, theirs)) = both else { return Vec::new() };
        let told = |difference: parity::Difference| SettingDifference {
            primary: with_unit(ours, difference.name, &difference.primary),
            standby: with_unit(theirs, difference.name, &difference.standby),
            name: difference.name.to_owned(),
        };
        parity::differences(ours, theirs).into_iter().map(told).collect()
    }
}

/// A setting's value as `SHOW` would say it, or nearly so.
fn with_unit(settings: &dbvitals_model::pg::instance::Settings, name: &str, value: &str) -> String {
    let unit = settings.get(name).and_then(|setting| setting.unit.as_deref());
    let sized =
        settings.bytes(name).filter(|bytes| *bytes > 0).map(|bytes| words::bytes(bytes as f64));
    match unit {
        Some("B" | "kB" | "8kB" | "16kB" | "32kB" | "MB" | "16MB" | "GB") => {
            sized.unwrap_or_else(|| value.to_owned())
        }
        Some(unit) if !unit.is_empty() && value != "0" => format!("{value} {unit}"),
        _ => value.to_owned(),
    }
}

/// Queries cancelled by replay in all databases.
fn conflicts(member: &PgView<'_>) -> Option<i64> {
    let databases = member.databases().ok()?;
    let kinds = databases.iter().flat_map(|database| {
        [
            database.conflict_snapshot,
            database.conflict_lock,
            database.conflict_bufferpin,
            database.conflict_deadlock,
            database.conflict_tablespace,
        ]
    });
    Some(kinds.map(|count| count.max(0)).sum())
}

/// A word about several servers of one system identifier that all accept writes.
fn split(writers: &[PgView<'_>]) -> Option<String> {
    let rivals = writers.iter().filter(|writer| !two_primaries::rivals(writer).is_empty());
    let names: Vec<_> = rivals.map(two_primaries::named).collect();
    (names.len() > 1).then(|| {
        format!(
            "{} all accept writes: copies of one server, or a failover that left the old primary \
             running",
            names.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{cluster::ReadBasis, pg::PgSnapshot};

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn node(change: impl FnOnce(&mut PgSnapshot)) -> TargetData {
        let mut pg = testing::healthy_pg();
        change(&mut pg);
        TargetData::Postgres(Box::new(pg))
    }

    fn row(name: &str, replay: i64) -> Replica {
        Replica {
            application: name.into(),
            state: Some("streaming".into()),
            replay_lag_bytes: Some(replay),
            ..Replica::default()
        }
    }

    fn follower(name: &'static str, rows: Vec<Replica>) -> impl FnOnce(&mut PgSnapshot) {
        move |pg| {
            pg.server.in_recovery = true;
            edit(&mut pg.recovery).application = Some(name.to_owned());
            edit(&mut pg.recovery).timeline = Some(1);
            *edit(&mut pg.replicas) = rows;
        }
    }

    /// `main` → `s1` → `s2`, and `s3` of which only `main` tells.
    fn cascade() -> Snapshot {
        let main = node(|pg| {
            pg.server.timeline = Some(1);
            *edit(&mut pg.replicas) = vec![row("s1", 7), row("s3", 9)];
            set(pg, "work_mem", "4096", Some("kB"));
        });
        let s1 = node(|pg| {
            follower("s1", vec![row("s2", 8)])(pg);
            set(pg, "work_mem", "8192", Some("kB"));
        });
        testing::snapshot(vec![
            testing::target("s2", node(follower("s2", Vec::new()))),
            testing::target("s1", s1),
            testing::target("main", main),
        ])
    }

    #[test]
    fn nodes_stand_below_whom_they_follow() {
        let mut clusters = clusters(&cascade(), &Settings::default());
        assert_eq!(clusters.len(), 1);
        let cluster = clusters.remove(0);
        assert_eq!(cluster.name, "main");
        assert_eq!(cluster.unseen, ["s3"]);
        let told: Vec<_> = cluster
            .nodes
            .iter()
            .map(|n| (n.name.as_str(), n.upstream.as_deref(), n.lag.replay_bytes, n.audited))
            .collect();
        let wanted = [
            ("main", None, None, true),
            ("s1", Some("main"), Some(7), true),
            ("s2", Some("s1"), Some(8), true),
            ("s3", Some("main"), Some(9), false),
        ];
        assert_eq!(told, wanted);
        let drift = &cluster.nodes[1].settings[0];
        let told = (drift.name.as_str(), drift.primary.as_str(), drift.standby.as_str());
        assert_eq!(told, ("work_mem", "4 MB", "8 MB"));
        let points: Vec<_> = cluster.nodes.iter().map(|node| node.failover.len()).collect();
        assert_eq!(points, [0, 8, 0, 8], "only those that follow the primary can take over");
        assert!(cluster.nodes[3].failover_counts().2 > cluster.nodes[1].failover_counts().2);
    }

    #[test]
    fn targets_are_not_offered() {
        let mut snapshot = cascade();
        snapshot.targets[2].offered = vec!["10.0.0.2:5432 s1".into(), "10.0.0.3:5432 s3".into()];
        snapshot.targets[1].offered = vec!["10.0.0.1:5432 primary".into()];
        let TargetData::Postgres(main) = &mut snapshot.targets[2].data else { panic!() };
        edit(&mut main.replicas)[0].client_address = Some("10.0.0.2".into());
        assert_eq!(offered(&snapshot, &snapshot.targets[2]), ["10.0.0.3:5432 s3"]);
        assert!(offered(&snapshot, &snapshot.targets[1]).is_empty());
    }

    #[test]
    fn reads_are_shared_out_with_their_age() {
        let reads = |hit: i64, standby: bool| {
            node(|pg| {
                pg.server.in_recovery = standby;
                let database = &mut edit(&mut pg.databases)[0];
                (database.blocks_hit, database.blocks_read) = (hit, 0);
                database.stats_reset = ago(100);
            })
        };
        let targets = vec![
            testing::target("main", reads(300, false)),
            testing::target("s1", reads(100, true)),
        ];
        let cluster = clusters(&testing::snapshot(targets), &Settings::default()).remove(0);
        let ratios: Vec<_> = cluster.nodes.iter().map(|node| node.read_ratio).collect();
        assert_eq!(ratios, [Some(0.75), Some(0.25)]);
        assert!(matches!(cluster.reads, Some(ReadBasis::Lifetime(age)) if age <= 100.0));
    }

    #[test]
    fn two_that_accept_writes_are_noted() {
        let writer = |timeline| node(move |pg| pg.server.timeline = Some(timeline));
        let targets = vec![
            testing::target("old", writer(1)),
            testing::target("new", writer(2)),
            testing::target("s1", node(follower("s1", Vec::new()))),
        ];
        let cluster = clusters(&testing::snapshot(targets), &Settings::default()).remove(0);
        assert_eq!(cluster.name, "new");
        assert!(cluster.notes[0].starts_with("old (timeline 1) and new (timeline 2) all accept"));
    }

    #[test]
    fn a_server_alone_is_no_cluster() {
        assert_eq!(clusters(&testing::pg(|_| {}), &Settings::default()), []);
        assert_eq!(clusters(&testing::redis(|_| {}), &Settings::default()), []);
    }
}
