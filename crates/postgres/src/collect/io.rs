//! `pg_stat_io`.

use dbvitals_model::pg::counters::Io;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "io",
    section: "io",
    role: Role::Any,
    texts: &[(16, include_str!("io/16.sql")), (18, include_str!("io/18.sql"))],
    limit: 500,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Io>,
    file: File::Instance(|snapshot, found| snapshot.io = found.many()),
};
