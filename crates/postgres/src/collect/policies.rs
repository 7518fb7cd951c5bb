//! Row-level security policies, what they read and call.

use dbvitals_model::pg::security::Policy;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "policies",
    section: "policies",
    role: Role::Any,
    texts: &[(13, include_str!("policies/13.sql"))],
    limit: 5_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<Policy>,
    file: File::Database(|snapshot, found| snapshot.policies = found.many()),
};
