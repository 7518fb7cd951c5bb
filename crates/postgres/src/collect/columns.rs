//! Columns of the larger tables, with planner statistics.

use dbvitals_model::{Section, pg::schema::Column};

use super::{
    collector::{Collector, Cost, File, HEAVY, Role},
    field_names::field_names,
    found::Found,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "columns",
    section: "columns",
    role: Role::Any,
    texts: &[(13, include_str!("columns/13.sql"))],
    limit: 60_000,
    timeout: HEAVY,
    cost: Cost::Heavy,
    needs: &[],
    columns: field_names::<Column>,
    file: File::Database(|snapshot, found| snapshot.columns = columns(found)),
};

/// `pg_stats` silently leaves out the columns of tables the role may not read.
fn columns(found: Found) -> Section<Vec<Column>> {
    let hidden =
        found.reader().unread_data("planner statistics of tables the role may not read are hidden");
    let mut section = found.many::<Column>();
    if let (Section::Collected(columns), Some(gap)) = (&mut section, hidden)
        && columns.value.iter().any(|column| column.average_width.is_none() && !column.is_dropped)
    {
        columns.gaps.push(gap);
    }
    section
}
