//! Indexes with definitions, sizes and statistics.

use dbvitals_model::pg::index::Index;

use super::{
    collector::{Collector, Cost, File, HEAVY, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "indexes",
    section: "indexes",
    role: Role::Any,
    texts: &[
        (13, include_str!("indexes/13.sql")),
        (15, include_str!("indexes/15.sql")),
        (16, include_str!("indexes/16.sql")),
    ],
    limit: 60_000,
    timeout: HEAVY,
    cost: Cost::Heavy,
    needs: &[],
    columns: field_names::<Index>,
    file: File::Database(|snapshot, found| snapshot.indexes = found.many()),
};
