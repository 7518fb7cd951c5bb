//! What everybody may do.

use dbvitals_model::pg::security::PublicGrant;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "public_grants",
    section: "public_grants",
    role: Role::Any,
    texts: &[(13, include_str!("public_grants/13.sql"))],
    limit: 5_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<PublicGrant>,
    file: File::Database(|snapshot, found| snapshot.public_grants = found.many()),
};
