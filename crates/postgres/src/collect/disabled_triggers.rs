//! Triggers that are switched off.

use dbvitals_model::pg::schema::DisabledTrigger;

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "disabled_triggers",
    section: "disabled_triggers",
    role: Role::Any,
    texts: &[(13, include_str!("disabled_triggers/13.sql"))],
    limit: 2_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<DisabledTrigger>,
    file: File::Database(|snapshot, found| snapshot.disabled_triggers = found.many()),
};
