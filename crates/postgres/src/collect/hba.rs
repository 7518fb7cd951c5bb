//! `pg_hba_file_rules`.

use dbvitals_model::pg::security::HbaRule;

use super::{
    collector::{CHEAP, Collector, Cost, File, Need, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "hba",
    section: "hba",
    role: Role::Any,
    texts: &[(13, include_str!("hba/13.sql"))],
    limit: 5_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[Need::Grant("GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO {role};")],
    columns: field_names::<HbaRule>,
    file: File::Instance(|snapshot, found| snapshot.hba = found.many()),
};
