//! `pg_stat_replication`.

use dbvitals_model::pg::replication::Replica;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role, SEES_STATS},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "replicas",
    section: "replicas",
    role: Role::Any,
    texts: &[(13, include_str!("replicas/13.sql"))],
    limit: 1_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[SEES_STATS],
    columns: field_names::<Replica>,
    file: File::Instance(|snapshot, found| snapshot.replicas = found.many()),
};
