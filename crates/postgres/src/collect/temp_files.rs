//! Temporary files on disk, over all tablespaces.

use dbvitals_model::pg::counters::TempFiles;

use super::{
    collector::{CHEAP, Collector, Cost, File, LISTS_FOLDERS, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "temp_files",
    section: "temp_files",
    role: Role::Any,
    texts: &[(13, include_str!("temp_files/13.sql"))],
    limit: 1,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[LISTS_FOLDERS],
    columns: field_names::<TempFiles>,
    file: File::Instance(|snapshot, found| snapshot.temp_files = found.one()),
};
