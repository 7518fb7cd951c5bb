//! `pg_database` with `pg_stat_database`.

use dbvitals_model::pg::database::Database;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "databases",
    section: "databases",
    role: Role::Any,
    texts: &[
        (13, include_str!("databases/13.sql")),
        (14, include_str!("databases/14.sql")),
        (15, include_str!("databases/15.sql")),
    ],
    limit: 5_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<Database>,
    file: File::Instance(|snapshot, found| snapshot.databases = found.many()),
};
