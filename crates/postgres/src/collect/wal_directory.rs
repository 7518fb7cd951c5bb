//! Files of `pg_wal` and what waits for the archiver.

use dbvitals_model::pg::counters::WalDirectory;

use super::{
    collector::{CHEAP, Collector, Cost, File, LISTS_FOLDERS, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "wal_directory",
    section: "wal_directory",
    role: Role::Any,
    texts: &[(13, include_str!("wal_directory/13.sql"))],
    limit: 1,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[LISTS_FOLDERS],
    columns: field_names::<WalDirectory>,
    file: File::Instance(|snapshot, found| snapshot.wal_directory = found.one()),
};
