//! Views that read views.

use dbvitals_model::pg::schema::NestedView;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "nested_views",
    section: "nested_views",
    role: Role::Any,
    texts: &[(13, include_str!("nested_views/13.sql"))],
    limit: 5_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<NestedView>,
    file: File::Database(|snapshot, found| snapshot.nested_views = found.many()),
};
