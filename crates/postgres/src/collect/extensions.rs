//! `pg_extension` with the versions on offer.

use dbvitals_model::pg::schema::Extension;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "extensions",
    section: "extensions",
    role: Role::Any,
    texts: &[(13, include_str!("extensions/13.sql"))],
    limit: 1_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Extension>,
    file: File::Database(|snapshot, found| snapshot.extensions = found.many()),
};
