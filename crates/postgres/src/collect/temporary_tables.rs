//! Temporary tables of all sessions.

use dbvitals_model::pg::schema::TemporaryTable;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "temporary_tables",
    section: "temporary_tables",
    role: Role::Any,
    texts: &[
        (13, include_str!("temporary_tables/13.sql")),
        (16, include_str!("temporary_tables/16.sql")),
    ],
    limit: 5_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<TemporaryTable>,
    file: File::Database(|snapshot, found| snapshot.temporary_tables = found.many()),
};
