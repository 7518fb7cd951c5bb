//! Which relations are worth measuring: those that may be bloated by the estimate, and those without one.

use dbvitals_model::pg::{
    DatabaseSnapshot, index::Index, instance::Server, measured::Suspect, relation::Relation,
};

use super::{Bloat, Facts, estimated_index, estimated_table};
use crate::{
    pg::{
        index::bloated_index,
        table::{bloated_table, ordinary},
    },
    settings::Settings,
};

/// Suspects of a database, the one with the most bytes at stake first. What is small, or cannot reach a
/// threshold whatever a measurement says, is none.
pub fn shortlist(
    server: &Server,
    target: &str,
    database: &DatabaseSnapshot,
    settings: &Settings,
) -> Vec<Suspect> {
    let facts = Facts::of(server.block_size_bytes, database);
    let mut found = Vec::new();
    let indexes = database.indexes.value().map_or(&[][..], Vec::as_slice);
    for index in indexes.iter().filter(|index| is_open(index)) {
        let (check, name) = (&bloated_index::CHECK, index.qualified());
        let limit = |threshold| settings.value(check, threshold, target, Some(&name));
        let size = index.size_bytes as f64;
        let stake = stake(size, estimated_index(&facts, index).as_ref());
        if settings.is_enabled(check, target)
            && size >= limit(&bloated_index::WARNING_SIZE)
            && stake >= size * limit(&bloated_index::WARNING)
        {
            found.push((stake, vec![of_index(index)]));
        }
    }
    let relations = database.relations.value().map_or(&[][..], Vec::as_slice);
    for table in ordinary::stored(relations).filter(|table| !table.is_locked) {
        let (check, name) = (&bloated_table::CHECK, table.qualified());
        let limit = |threshold| settings.value(check, threshold, target, Some(&name));
        let size = (table.heap_bytes + table.toast_heap_bytes) as f64;
        let stake = stake(size, estimated_table(&facts, table).as_ref());
        if settings.is_enabled(check, target)
            && stake >= limit(&bloated_table::WARNING_BYTES)
            && stake >= size * limit(&bloated_table::WARNING)
        {
            found.push((stake, of_table(table, server)));
        }
    }
    found.sort_by(|one, other| other.0.total_cmp(&one.0));
    found.into_iter().flat_map(|(_, suspects)| suspects).collect()
}

fn is_open(index: &Index) -> bool {
    index.method == "btree" && index.is_valid && index.extension.is_none() && !index.size_estimated
}

/// Bytes that may be air; of what cannot be estimated, all of it.
fn stake(size: f64, estimate: Option<&Bloat>) -> f64 {
    estimate.map_or(size, |bloat| bloat.at_most * bloat.bytes)
}

fn of_index(index: &Index) -> Suspect {
    let (oid, bytes) = (index.oid, index.size_bytes);
    Suspect { oid, name: index.qualified(), is_index: true, bytes }
}

/// The table and, where it has one of some size, its TOAST table; pages that are all visible are not read.
fn of_table(table: &Relation, server: &Server) -> Vec<Suspect> {
    let page_bytes = server.block_size_bytes;
    let bytes = |all: i64, visible: i64| (all - visible.max(0) * page_bytes).max(page_bytes);
    let name = table.qualified();
    let main = bytes(table.heap_bytes, table.all_visible_pages);
    let mut found =
        vec![Suspect { oid: table.oid, name: name.clone(), is_index: false, bytes: main }];
    // The extension opens no TOAST tables before 14.
    let is_open = table.toast_heap_bytes > 0 && server.version.major >= 14;
    if let Some(oid) = table.toast_oid.filter(|_| is_open) {
        let bytes = bytes(table.toast_heap_bytes, table.toast_all_visible_pages);
        found.push(Suspect { oid, name: format!("{name} (TOAST)"), is_index: false, bytes });
    }
    found
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{ServerVersion, TargetData, pg::schema::Column};

    use super::*;
    use crate::testing::{self, edit};

    fn column(table_oid: i64) -> Column {
        Column {
            table_oid,
            number: 3,
            length: 8,
            alignment: "d".into(),
            null_ratio: Some(0.0),
            average_width: Some(8),
            n_distinct: Some(-1.0),
            ..Column::default()
        }
    }

    fn index(oid: i64, table_oid: i64, size_bytes: i64) -> Index {
        Index {
            oid,
            table_oid,
            schema: "app".into(),
            name: format!("i{oid}"),
            method: "btree".into(),
            is_valid: true,
            key_columns: vec![3],
            row_estimate: 1e6,
            size_bytes,
            ..Index::default()
        }
    }

    fn names(edit: impl FnOnce(&mut DatabaseSnapshot)) -> Vec<String> {
        let built = testing::database(edit);
        let TargetData::Postgres(pg) = &built.targets[0].data else { panic!("a server") };
        let found = shortlist(&pg.server, "main", &pg.by_database[0], &Settings::default());
        found.into_iter().map(|suspect| suspect.name).collect()
    }

    #[test]
    fn suspects_are_those_with_most_at_stake() {
        let found = names(|db| {
            *edit(&mut db.columns) = vec![column(1)];
            *edit(&mut db.indexes) = vec![
                index(1, 1, 20 << 20),  // as large as its rows need
                index(2, 1, 200 << 20), // nine tenths of it air
                index(3, 9, 400 << 20), // nothing known
                Index { method: "gin".into(), ..index(4, 1, 1 << 30) },
                Index { size_estimated: true, ..index(5, 1, 1 << 30) },
            ];
        });
        assert_eq!(found, ["app.i3", "app.i2"]);
    }

    #[test]
    fn a_table_brings_its_toast_table_and_reads_only_what_is_not_all_visible() {
        let table = Relation {
            oid: 1,
            schema: "app".into(),
            name: "docs".into(),
            kind: "r".into(),
            pages: 100_000,
            all_visible_pages: 99_000,
            heap_bytes: 100_000 * 8192,
            toast_oid: Some(2),
            toast_heap_bytes: 50 * 8192,
            toast_all_visible_pages: 50,
            row_estimate: 1000.0,
            ..Relation::default()
        };
        let server = |major| Server {
            block_size_bytes: 8192,
            version: ServerVersion::new(major, 1, 0),
            ..Server::default()
        };
        assert_eq!(of_table(&table, &server(13)).len(), 1);
        let read = of_table(&table, &server(14));
        assert_eq!(read.iter().map(|one| one.bytes).collect::<Vec<_>>(), [1000 * 8192, 8192]);
        let locked = Relation { is_locked: true, ..table.clone() };
        assert!(names(|db| *edit(&mut db.relations) = vec![locked]).is_empty());
        let found = names(|db| *edit(&mut db.relations) = vec![table]);
        assert_eq!(found, ["app.docs", "app.docs (TOAST)"]);
    }
}
