//! `pg_prepared_xacts`.

use dbvitals_model::pg::activity::PreparedTransaction;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "prepared_transactions",
    section: "prepared_transactions",
    role: Role::Any,
    texts: &[(13, include_str!("prepared_transactions/13.sql"))],
    limit: 1_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: field_names::<PreparedTransaction>,
    file: File::Instance(|snapshot, found| snapshot.prepared_transactions = found.many()),
};
