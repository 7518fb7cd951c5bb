//! Expressions of indexes as columns of the index, with the planner statistics ANALYZE keeps of them.

use dbvitals_model::pg::schema::Column;

use super::{
    collector::{Collector, Cost, File, HEAVY, Role},
    field_names::field_names,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "index_columns",
    section: "index_columns",
    role: Role::Any,
    texts: &[(13, include_str!("index_columns/13.sql"))],
    limit: 10_000,
    timeout: HEAVY,
    cost: Cost::Heavy,
    needs: &[],
    columns: field_names::<Column>,
    file: File::Database(|snapshot, found| snapshot.index_columns = found.many()),
};
