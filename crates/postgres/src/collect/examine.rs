//! Reading one database.

use dbvitals_model::{
    Reason, Section, Unavailable,
    pg::{DatabaseSnapshot, instance::Server, relation::Relation, schema::Sequence},
    snapshot::CollectorCost,
};

use serde::Deserialize;

use super::{
    ask::Asking,
    collector::{CHEAP, Collector, Cost, File},
    found::Found,
    measured,
    options::Options,
    reader::Reader,
    registry::COLLECTORS,
    relations, sequences,
};
use crate::{Query, Session};

/// Asked of the first connection where there are two; together they take about as long as all the others.
const FIRST_HALF: [&str; 2] = ["relations", "columns"];

/// The catalogue of relations; its size tells how much there is to read before any of it is read.
const CATALOGUE_BYTES: &str =
    "select pg_catalog.pg_relation_size('pg_catalog.pg_class'::regclass)::int8 as bytes";

/// About ten thousand tables, indexes and TOAST tables, a tenth of a second of reading: a connection more costs
/// a tenth of that.
const WIDE_BYTES: i64 = 2 << 20;

#[derive(Deserialize)]
struct Size {
    bytes: i64,
}

/// What reading a database brought.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) snapshot: DatabaseSnapshot,
    pub(super) cost: Vec<CollectorCost>,
    /// Why it is partial.
    pub(super) problem: Option<String>,
}

/// Reads all sections up to the class of cost asked for, over two connections at once where there is a second; then
/// the pages of suspects.
pub(super) async fn examine(
    session: &mut Session,
    second: Option<&mut Session>,
    asking: Asking<'_>,
    name: &str,
    server: &Server,
    options: &Options<'_>,
) -> Examined {
    let mut snapshot = DatabaseSnapshot { name: name.to_owned(), ..DatabaseSnapshot::default() };
    let mut cost = Vec::new();
    let due: Vec<&'static Collector> =
        of_databases().filter(|collector| collector.cost <= options.dearest).collect();
    let mut trouble = None;
    let found = match second {
        None => asking.ask(session, &due, &mut cost).await,
        Some(second) => {
            let (first_half, second_half): (Vec<_>, Vec<_>) =
                due.into_iter().partition(|collector| FIRST_HALF.contains(&collector.name));
            let mut also = Vec::new();
            let (mut found, rest) = tokio::join!(
                asking.ask(session, &first_half, &mut cost),
                asking.ask(second, &second_half, &mut also)
            );
            found.extend(rest);
            cost.extend(also);
            trouble = second.lost.clone();
            found
        }
    };
    for (collector, found) in found {
        file(&mut snapshot, collector, found);
    }
    let measuring = options.measuring.filter(|_| options.dearest >= Cost::Heavy);
    snapshot.measured = match measuring {
        Some(how) => measured::read(session, asking, how, server, &snapshot, &mut cost).await,
        None => Section::unavailable(Reason::NotAsked, "no pages were to be read"),
    };
    let trouble = session.lost.clone().or(trouble);
    let problem = trouble.map(|error| format!("database {name}: {error}"));
    Examined { snapshot, cost, problem }
}

/// Whether the catalogue is so large that a second connection pays.
pub(super) async fn is_wide(session: &mut Session, asking: Asking<'_>) -> bool {
    let query = Query { name: "catalogue", sql: CATALOGUE_BYTES.to_owned(), timeout: CHEAP };
    let answer = session.batch_until(&[query], Some(asking.deadline)).await.pop();
    let size = answer.and_then(|answer| answer.result.ok()?.one::<Size>().ok());
    size.is_some_and(|size| size.bytes >= WIDE_BYTES)
}

/// A database that could not be entered.
pub(super) fn closed(name: &str, reader: &Reader, why: &Unavailable) -> DatabaseSnapshot {
    let mut snapshot = DatabaseSnapshot { name: name.to_owned(), ..DatabaseSnapshot::default() };
    for collector in of_databases() {
        file(&mut snapshot, collector, Found::nothing(reader, why.clone()));
    }
    snapshot.measured = Section::Unavailable(why.clone());
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
