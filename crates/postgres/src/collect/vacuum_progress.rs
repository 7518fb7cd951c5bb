//! `pg_stat_progress_vacuum`.

use dbvitals_model::pg::activity::VacuumProgress;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role, SEES_STATS},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "vacuum_progress",
    section: "vacuum_progress",
    role: Role::Any,
    texts: &[(13, include_str!("vacuum_progress/13.sql"))],
    limit: 1_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[SEES_STATS],
    columns: field_names::<VacuumProgress>,
    file: File::Instance(|snapshot, found| snapshot.vacuum_progress = found.many()),
};
