//! `pg_stat_archiver`.

use dbvitals_model::pg::counters::Archiver;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "archiver",
    section: "archiver",
    role: Role::Any,
    texts: &[(13, include_str!("archiver/13.sql"))],
    limit: 1,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Archiver>,
    file: File::Instance(|snapshot, found| snapshot.archiver = found.one()),
};
