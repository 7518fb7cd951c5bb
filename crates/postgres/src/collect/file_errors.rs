//! Errors of `pg_file_settings`.

use dbvitals_model::pg::security::FileError;

use super::{
    collector::{CHEAP, Collector, Cost, File, Need, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "file_errors",
    section: "file_errors",
    role: Role::Any,
    texts: &[(13, include_str!("file_errors/13.sql"))],
    limit: 500,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[Need::Grant(
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_show_all_file_settings() TO {role};",
    )],
    columns: field_names::<FileError>,
    file: File::Instance(|snapshot, found| snapshot.file_errors = found.many()),
};
