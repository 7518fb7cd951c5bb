//! The kind of each stored password; the hash itself stays on the server.

use dbvitals_model::pg::security::Password;

use super::{
    collector::{CHEAP, Collector, Cost, File, Need, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "passwords",
    section: "passwords",
    role: Role::Any,
    texts: &[(13, include_str!("passwords/13.sql"))],
    limit: 20_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[Need::Grant(
        "run it as a superuser: granting SELECT on pg_authid would show {role} the hashes",
    )],
    columns: field_names::<Password>,
    file: File::Instance(|snapshot, found| snapshot.passwords = found.many()),
};
