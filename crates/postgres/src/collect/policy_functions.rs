//! Functions that policies call, with what their calls cost.

use dbvitals_model::pg::row_security::PolicyFunction;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "policy_functions",
    section: "policy_functions",
    role: Role::Any,
    texts: &[(13, include_str!("policy_functions/13.sql"))],
    limit: 5_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<PolicyFunction>,
    file: File::Database(|snapshot, found| snapshot.policy_functions = found.many()),
};
