//! Indexes of tables with row-level security.

use dbvitals_model::pg::row_security::GuardedIndex;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "guarded_indexes",
    section: "guarded_indexes",
    role: Role::Any,
    texts: &[(13, include_str!("guarded_indexes/13.sql"))],
    limit: 5_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<GuardedIndex>,
    file: File::Database(|snapshot, found| snapshot.guarded_indexes = found.many()),
};
