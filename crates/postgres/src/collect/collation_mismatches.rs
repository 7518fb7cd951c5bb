//! Indexes ordered by a collation that changed below them.

use dbvitals_model::pg::schema::CollationMismatch;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "collation_mismatches",
    section: "collation_mismatches",
    role: Role::Any,
    texts: &[
        (13, include_str!("collation_mismatches/13.sql")),
        (15, include_str!("collation_mismatches/15.sql")),
    ],
    limit: 200,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<CollationMismatch>,
    file: File::Database(|snapshot, found| snapshot.collation_mismatches = found.many()),
};
