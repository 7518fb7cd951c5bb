//! Functions that matter to security.

use dbvitals_model::pg::security::Function;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "functions",
    section: "functions",
    role: Role::Any,
    texts: &[(13, include_str!("functions/13.sql"))],
    limit: 5_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<Function>,
    file: File::Database(|snapshot, found| snapshot.functions = found.many()),
};
