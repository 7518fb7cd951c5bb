//! Sequences, their positions and the columns they feed.

use dbvitals_model::{Section, pg::schema::Sequence};

use super::{
    collector::{CATALOG, Collector, Cost, File, Role},
    field_names::field_names,
    found::Found,
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "sequences",
    section: "sequences",
    role: Role::Any,
    texts: &[(13, include_str!("sequences/13.sql"))],
    limit: 20_000,
    timeout: CATALOG,
    cost: Cost::Catalog,
    needs: &[],
    columns: field_names::<Sequence>,
    file: File::Database(|snapshot, found| snapshot.sequences = sequences(found)),
};

/// Positions are data: they show only to who may read the sequence.
fn sequences(found: Found) -> Section<Vec<Sequence>> {
    let hidden =
        found.reader().unread_data("positions of sequences the role may not read are hidden");
    let mut section = found.many::<Sequence>();
    if let (Section::Collected(sequences), Some(gap)) = (&mut section, hidden)
        && sequences.value.iter().any(|sequence| !sequence.is_readable)
    {
        sequences.gaps.push(gap);
    }
    section
}
