//! Large objects and the columns that could refer to them.

use dbvitals_model::pg::schema::LargeObjects;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "large_objects",
    section: "large_objects",
    role: Role::Any,
    texts: &[(13, include_str!("large_objects/13.sql"))],
    limit: 1,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<LargeObjects>,
    file: File::Database(|snapshot, found| snapshot.large_objects = found.one()),
};
