//! Tables, materialised views and partitioned tables with sizes and statistics.

use dbvitals_model::{Reason, Section, Unavailable, pg::relation::Relation};

use super::{
    collector::{Collector, Cost, File, HEAVY, Role},
    field_names::field_names,
    found::Found,
};

/// Most locked relations that are named.
const NAMED: usize = 5;

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
    file: File::Database(|snapshot, found| snapshot.relations = relations(found)),
};

/// What is known of a relation that somebody holds exclusively is less than of others: that is said.
fn relations(found: Found) -> Section<Vec<Relation>> {
    let mut section = found.many::<Relation>();
    if let Section::Collected(relations) = &mut section {
        relations.gaps.extend(locked(&relations.value));
    }
    section
}

fn locked(relations: &[Relation]) -> Option<Unavailable> {
    let names: Vec<String> = relations
        .iter()
        .filter(|relation| relation.is_locked)
        .map(|relation| format!("{}.{}", relation.schema, relation.name))
        .collect();
    let more = names.len().checked_sub(NAMED).filter(|more| *more > 0);
    let more = more.map_or_else(String::new, |more| format!(" and {more} more"));
    let shown = names.get(..NAMED).unwrap_or(&names).join(", ");
    let detail = format!("passed over, because an exclusive lock is held: {shown}{more}");
    let remedy = "audit again when the lock is gone";
    (!names.is_empty()).then(|| Unavailable::with_remedy(Reason::Locked, detail, remedy))
}
