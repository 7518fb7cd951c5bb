//! `pg_subscription` and what its workers did.

use dbvitals_model::pg::replication::Subscription;

use super::{
    collector::{CHEAP, Collector, Cost, File, Need, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "subscriptions",
    section: "subscriptions",
    role: Role::Any,
    texts: &[
        (13, include_str!("subscriptions/13.sql")),
        (15, include_str!("subscriptions/15.sql")),
        (16, include_str!("subscriptions/16.sql")),
    ],
    limit: 1_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[Need::Grant("GRANT SELECT ON pg_catalog.pg_subscription TO {role};")],
    columns: field_names::<Subscription>,
    file: File::Instance(|snapshot, found| snapshot.subscriptions = found.many()),
};
