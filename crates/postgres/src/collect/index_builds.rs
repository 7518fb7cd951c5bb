//! `pg_stat_progress_create_index`.

use dbvitals_model::pg::activity::IndexBuild;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role, SEES_STATS},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "index_builds",
    section: "index_builds",
    role: Role::Any,
    texts: &[(13, include_str!("index_builds/13.sql"))],
    limit: 1_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[SEES_STATS],
    columns: field_names::<IndexBuild>,
    file: File::Instance(|snapshot, found| snapshot.index_builds = found.many()),
};
