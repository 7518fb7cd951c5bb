//! Configuration files and when they were changed.

use dbvitals_model::pg::instance::ConfigFile;

use super::{
    collector::{CHEAP, Collector, Cost, File, Need, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "config_files",
    section: "config_files",
    role: Role::Any,
    texts: &[(13, include_str!("config_files/13.sql"))],
    limit: 10,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[Need::Grant(
        "GRANT pg_read_server_files, pg_monitor TO {role}; \
         GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text, boolean) TO {role};",
    )],
    columns: field_names::<ConfigFile>,
    file: File::Instance(|snapshot, found| snapshot.config_files = found.many()),
};
