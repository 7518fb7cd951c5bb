//! Partitioned tables and their partitions.

use dbvitals_model::pg::relation::Partition;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "partitions",
    section: "partitions",
    role: Role::Any,
    texts: &[(13, include_str!("partitions/13.sql")), (14, include_str!("partitions/14.sql"))],
    limit: 20_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<Partition>,
    file: File::Database(|snapshot, found| snapshot.partitions = found.many()),
};
