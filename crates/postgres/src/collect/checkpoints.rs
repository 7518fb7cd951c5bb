//! `pg_stat_bgwriter` and, on 17 and newer, `pg_stat_checkpointer`.

use dbvitals_model::pg::counters::Checkpoints;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "checkpoints",
    section: "checkpoints",
    role: Role::Any,
    texts: &[
        (13, include_str!("checkpoints/13.sql")),
        (17, include_str!("checkpoints/17.sql")),
        (18, include_str!("checkpoints/18.sql")),
    ],
    limit: 1,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Checkpoints>,
    file: File::Instance(|snapshot, found| snapshot.checkpoints = found.one()),
};
