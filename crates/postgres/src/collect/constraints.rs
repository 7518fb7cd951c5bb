//! Foreign keys, and other constraints that are not validated.

use dbvitals_model::pg::schema::Constraint;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "constraints",
    section: "constraints",
    role: Role::Any,
    texts: &[(13, include_str!("constraints/13.sql"))],
    limit: 30_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<Constraint>,
    file: File::Database(|snapshot, found| snapshot.constraints = found.many()),
};
