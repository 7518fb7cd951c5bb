//! `pg_stat_wal`.

use dbvitals_model::pg::counters::Wal;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "wal",
    section: "wal",
    role: Role::Any,
    texts: &[(14, include_str!("wal/14.sql"))],
    limit: 1,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Wal>,
    file: File::Instance(|snapshot, found| snapshot.wal = found.one()),
};
