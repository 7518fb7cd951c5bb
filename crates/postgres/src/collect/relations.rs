//! Tables, materialised views and partitioned tables with sizes and statistics.

use dbvitals_model::pg::relation::Relation;

use super::{
    collector::{Collector, Cost, File, HEAVY, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "relations",
    section: "relations",
    role: Role::Any,
    texts: &[(13, include_str!("relations/13.sql"))],
    limit: 20_000,
    timeout: HEAVY,
    cost: Cost::Heavy,
    needs: &[],
    columns: field_names::<Relation>,
    file: File::Database(|snapshot, found| snapshot.relations = found.many()),
};
