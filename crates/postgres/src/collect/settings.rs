//! `pg_settings`.

use dbvitals_model::pg::instance::{Setting, Settings};

use super::{
    collector::{CHEAP, Collector, Cost, File, Need, Role},
    field_names::field_names,
};

const SEES_SETTINGS: Need = Need::Sees {
    any_of: &["pg_read_all_settings", "pg_monitor"],
    hidden: "settings only superusers see are hidden (preloaded libraries, file places)",
    remedy: "GRANT pg_monitor TO {role};",
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "settings",
    section: "settings",
    role: Role::Any,
    texts: &[(13, include_str!("settings/13.sql"))],
    limit: 5_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[SEES_SETTINGS],
    columns: field_names::<Setting>,
    file: File::Instance(|snapshot, found| {
        snapshot.settings = found.section(|table| table.decode().map(Settings));
    }),
};
