//! Reading one database.

use dbvitals_model::{
    Unavailable,
    pg::{DatabaseSnapshot, relation::Relation, schema::Sequence},
    snapshot::CollectorCost,
};

use super::{
    ask::Asking,
    collector::{Collector, Cost, File},
    found::Found,
    reader::Reader,
    registry::COLLECTORS,
    relations, sequences,
};
use crate::Session;

/// What reading a database brought.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) snapshot: DatabaseSnapshot,
    pub(super) cost: Vec<CollectorCost>,
    /// Why it is partial.
    pub(super) problem: Option<String>,
}

/// Reads all sections up to a class of cost.
pub(super) async fn examine(
    session: &mut Session,
    asking: Asking<'_>,
    name: &str,
    dearest: Cost,
) -> Examined {
    let mut snapshot = DatabaseSnapshot { name: name.to_owned(), ..DatabaseSnapshot::default() };
    let mut cost = Vec::new();
    let due: Vec<&'static Collector> =
        of_databases().filter(|collector| collector.cost <= dearest).collect();
    for (collector, found) in asking.ask(session, &due, &mut cost).await {
        file(&mut snapshot, collector, found);
    }
    let problem = session.lost.as_ref().map(|error| format!("database {name}: {error}"));
    Examined { snapshot, cost, problem }
}

/// A database that could not be entered.
pub(super) fn closed(name: &str, reader: &Reader, why: &Unavailable) -> DatabaseSnapshot {
    let mut snapshot = DatabaseSnapshot { name: name.to_owned(), ..DatabaseSnapshot::default() };
    for collector in of_databases() {
        file(&mut snapshot, collector, Found::nothing(reader, why.clone()));
    }
    snapshot
}

/// The counters of a database's relations, without their sizes, and if wanted the positions of its sequences; empty
/// when they cannot be read.
pub(super) async fn first_look(
    session: &mut Session,
    asking: Asking<'_>,
    with_sequences: bool,
    cost: &mut Vec<CollectorCost>,
) -> (Vec<Relation>, Vec<Sequence>) {
    let asking = Asking { opens_nothing: true, ..asking };
    let mut snapshot = DatabaseSnapshot::default();
    let both: [&'static Collector; 2] = [&relations::COLLECTOR, &sequences::COLLECTOR];
    let due = if with_sequences { &both[..] } else { &both[..1] };
    for (collector, found) in asking.ask(session, due, cost).await {
        file(&mut snapshot, collector, found);
    }
    let relations = snapshot.relations.value().cloned().unwrap_or_default();
    (relations, snapshot.sequences.value().cloned().unwrap_or_default())
}

fn of_databases() -> impl Iterator<Item = &'static Collector> {
    COLLECTORS.iter().copied().filter(|collector| collector.is_per_database())
}

fn file(snapshot: &mut DatabaseSnapshot, collector: &Collector, found: Found) {
    if let File::Database(file) = collector.file {
        file(snapshot, found);
    }
}
