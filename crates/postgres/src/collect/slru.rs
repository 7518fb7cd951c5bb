//! `pg_stat_slru`.

use dbvitals_model::pg::counters::Slru;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "slru",
    section: "slru",
    role: Role::Any,
    texts: &[(13, include_str!("slru/13.sql"))],
    limit: 100,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Slru>,
    file: File::Instance(|snapshot, found| snapshot.slru = found.many()),
};
