//! `pg_replication_slots`.

use dbvitals_model::pg::replication::Slot;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "slots",
    section: "slots",
    role: Role::Any,
    texts: &[
        (13, include_str!("slots/13.sql")),
        (16, include_str!("slots/16.sql")),
        (17, include_str!("slots/17.sql")),
    ],
    limit: 1_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Slot>,
    file: File::Instance(|snapshot, found| snapshot.slots = found.many()),
};
