//! What a standby knows of its own replay.

use dbvitals_model::pg::replication::Recovery;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role, SEES_STATS},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "recovery",
    section: "recovery",
    role: Role::Standby,
    texts: &[(13, include_str!("recovery/13.sql"))],
    limit: 1,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[SEES_STATS],
    columns: field_names::<Recovery>,
    file: File::Instance(|snapshot, found| snapshot.recovery = found.one()),
};
