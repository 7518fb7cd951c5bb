//! Numbers of different combinations of columns, where somebody asked for them (`CREATE STATISTICS`).

use dbvitals_model::pg::schema::ExtendedStatistics;

use super::{
    collector::{Collector, Cost, File, HEAVY, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "extended_statistics",
    section: "extended_statistics",
    role: Role::Any,
    texts: &[
        (13, include_str!("extended_statistics/13.sql")),
        (15, include_str!("extended_statistics/15.sql")),
    ],
    limit: 10_000,
    timeout: HEAVY,
    cost: Cost::Heavy,
    needs: &[],
    columns: field_names::<ExtendedStatistics>,
    file: File::Database(|snapshot, found| snapshot.extended_statistics = found.many()),
};
