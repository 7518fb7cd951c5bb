//! `pg_roles`.

use dbvitals_model::pg::security;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "roles",
    section: "roles",
    role: Role::Any,
    texts: &[(13, include_str!("roles/13.sql"))],
    limit: 20_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<security::Role>,
    file: File::Instance(|snapshot, found| snapshot.roles = found.many()),
};
