//! What moved between two looks that is no counter of statistics: ages, sequences, sizes. It outlives a restart and a
//! reset, and a failover to a standby, which goes on where its primary stopped.
#![expect(missing_docs, reason = "fields carry their unit in the name")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    DatabaseSnapshot, PgSnapshot, database::Database, relation::Relation, schema::Sequence,
};

/// Growth over `seconds`. What only moves one way is absent where it moved the other; sizes may shrink.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Growth {
    pub seconds: f64,
    /// Transaction ids taken: at least so many, exactly so many unless everything was frozen meanwhile.
    pub xids: Option<i64>,
    pub multixacts: Option<i64>,
    pub sequences: Vec<SequenceGrowth>,
    pub keys: Vec<KeyGrowth>,
    pub databases: Vec<SizeGrowth>,
    pub tables: Vec<TableGrowth>,
    /// Of access methods other than B-tree.
    pub indexes: Vec<IndexBefore>,
    /// WAL held by each slot.
    pub slots: Vec<SizeGrowth>,
    pub wal_directory_bytes: Option<i64>,
}

/// Values taken from a sequence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SequenceGrowth {
    pub database: String,
    pub schema: String,
    pub name: String,
    pub values: i64,
}

/// How far the largest value of an integer column went up, as two analyses saw it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyGrowth {
    pub database: String,
    pub table_oid: i64,
    pub number: i64,
    pub values: i64,
}

/// Growth of something with a name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SizeGrowth {
    pub name: String,
    pub bytes: i64,
}

/// Growth of a table with its indexes and TOAST.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableGrowth {
    pub database: String,
    pub oid: i64,
    pub bytes: i64,
}

/// What an index was at the first look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexBefore {
    pub database: String,
    pub oid: i64,
    pub bytes: i64,
    /// The planner's row estimate of its table; positive.
    pub table_rows: f64,
}

/// What has to be known at the first look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Start {
    pub databases: Vec<Database>,
    pub relations: Vec<(String, Vec<Relation>)>,
    pub sequences: Vec<(String, Vec<Sequence>)>,
    /// Of access methods other than B-tree; empty where the first look did not read them.
    pub indexes: Vec<IndexBefore>,
    /// Largest values of integer columns, by database, table and number.
    pub keys: BTreeMap<(String, i64, i64), i64>,
    pub slots: Vec<(String, i64)>,
    pub wal_directory_bytes: Option<i64>,
}

impl Start {
    /// All of it, as a snapshot holds it.
    pub fn of(pg: &PgSnapshot) -> Self {
        let named = |database: &DatabaseSnapshot| database.name.clone();
        let databases = pg.by_database.iter();
        Self {
            databases: pg.databases.value().cloned().unwrap_or_default(),
            relations: databases
                .clone()
                .filter_map(|database| Some((named(database), database.relations.value()?.clone())))
                .collect(),
            sequences: databases
                .clone()
                .filter_map(|database| Some((named(database), database.sequences.value()?.clone())))
                .collect(),
            indexes: databases.clone().flat_map(indexes).collect(),
            keys: databases.flat_map(keys).collect(),
            slots: pg
                .slots
                .value()
                .into_iter()
                .flatten()
                .filter_map(|slot| Some((slot.name.clone(), slot.retained_bytes?)))
                .collect(),
            wal_directory_bytes: pg.wal_directory.value().map(|directory| directory.size_bytes),
        }
    }
}

fn indexes(database: &DatabaseSnapshot) -> Vec<IndexBefore> {
    let relations = database.relations.value().into_iter().flatten();
    let rows: BTreeMap<i64, f64> = relations.map(|table| (table.oid, table.row_estimate)).collect();
    let indexes = database.indexes.value().into_iter().flatten();
    indexes
        .filter(|index| index.method != "btree" && index.is_valid && !index.size_estimated)
        .filter_map(|index| {
            let table_rows = *rows.get(&index.table_oid).filter(|rows| **rows > 0.0)?;
            let (oid, bytes) = (index.oid, index.size_bytes);
            Some(IndexBefore { database: database.name.clone(), oid, bytes, table_rows })
        })
        .collect()
}

fn keys(database: &DatabaseSnapshot) -> Vec<((String, i64, i64), i64)> {
    let columns = database.columns.value().into_iter().flatten();
    columns
        .filter_map(|column| {
            let key = (database.name.clone(), column.table_oid, column.number);
            Some((key, column.histogram_max?))
        })
        .collect()
}

impl Growth {
    /// What moved since the first look, `seconds` ago, at the same cluster.
    pub fn since(start: &Start, end: &Start, seconds: f64) -> Self {
        let ages = |age: fn(&Database) -> i64, of_table: fn(&Relation) -> Option<i64>| {
            burnt(start, end, age, of_table)
        };
        Self {
            seconds,
            xids: ages(|row| row.frozen_xid_age, |row| row.frozen_xid_age),
            multixacts: ages(|row| row.multixact_age, |row| row.multixact_age),
            sequences: sequences(start, end),
            keys: end
                .keys
                .iter()
                .filter_map(|(key, last)| {
                    let values = last.checked_sub(*start.keys.get(key)?).filter(|it| *it >= 0)?;
                    let (database, table_oid, number) = key.clone();
                    Some(KeyGrowth { database, table_oid, number, values })
                })
                .collect(),
            databases: database_sizes(start, end),
            tables: tables(start, end),
            indexes: start
                .indexes
                .iter()
                .filter(|first| {
                    end.indexes
                        .iter()
                        .any(|it| it.oid == first.oid && it.database == first.database)
                })
                .cloned()
                .collect(),
            slots: end
                .slots
                .iter()
                .filter_map(|(name, last)| {
                    let (_, first) = start.slots.iter().find(|(other, _)| other == name)?;
                    Some(SizeGrowth { name: name.clone(), bytes: last.checked_sub(*first)? })
                })
                .collect(),
            wal_directory_bytes: start
                .wal_directory_bytes
                .zip(end.wal_directory_bytes)
                .and_then(|(first, last)| last.checked_sub(first)),
        }
    }

    /// Values taken from a sequence.
    pub fn of_sequence(&self, database: &str, schema: &str, name: &str) -> Option<i64> {
        let same = |it: &&SequenceGrowth| {
            it.database == database && it.schema == schema && it.name == name
        };
        self.sequences.iter().find(same).map(|it| it.values)
    }

    /// Growth of a column's largest value.
    pub fn of_key(&self, database: &str, table_oid: i64, number: i64) -> Option<i64> {
        let same = |it: &&KeyGrowth| {
            it.database == database && it.table_oid == table_oid && it.number == number
        };
        self.keys.iter().find(same).map(|it| it.values)
    }

    /// Growth of a table, in bytes.
    pub fn of_table(&self, database: &str, oid: i64) -> Option<i64> {
        let same = |it: &&TableGrowth| it.database == database && it.oid == oid;
        self.tables.iter().find(same).map(|it| it.bytes)
    }

    /// What an index was.
    pub fn index_before(&self, database: &str, oid: i64) -> Option<&IndexBefore> {
        self.indexes.iter().find(|it| it.database == database && it.oid == oid)
    }

    /// Growth of what a slot holds, in bytes.
    pub fn of_slot(&self, name: &str) -> Option<i64> {
        self.slots.iter().find(|it| it.name == name).map(|it| it.bytes)
    }
}

/// Identifiers taken: what was not frozen meanwhile aged by exactly so many, what was frozen by less.
fn burnt(
    start: &Start,
    end: &Start,
    of_database: fn(&Database) -> i64,
    of_table: fn(&Relation) -> Option<i64>,
) -> Option<i64> {
    let databases = end.databases.iter().filter_map(|last| {
        let first = start.databases.iter().find(|row| row.oid == last.oid)?;
        of_database(last).checked_sub(of_database(first))
    });
    let tables = end.relations.iter().flat_map(|(name, rows)| {
        let first = start.relations.iter().find(|(other, _)| other == name);
        let first: BTreeMap<i64, &Relation> =
            first.iter().flat_map(|(_, rows)| rows).map(|row| (row.oid, row)).collect();
        rows.iter().filter_map(move |last| {
            of_table(last)?.checked_sub(of_table(first.get(&last.oid).copied()?)?)
        })
    });
    databases.chain(tables).max().filter(|burnt| *burnt >= 0)
}

fn sequences(start: &Start, end: &Start) -> Vec<SequenceGrowth> {
    let mut found = Vec::new();
    for (database, rows) in &end.sequences {
        let Some((_, before)) = start.sequences.iter().find(|(name, _)| name == database) else {
            continue;
        };
        let before: BTreeMap<(&str, &str), &Sequence> =
            before.iter().map(|row| ((row.schema.as_str(), row.name.as_str()), row)).collect();
        found.extend(rows.iter().filter_map(|last| {
            let first = before.get(&(last.schema.as_str(), last.name.as_str()))?;
            Some(SequenceGrowth {
                database: database.clone(),
                schema: last.schema.clone(),
                name: last.name.clone(),
                values: steps(first, last)?,
            })
        }));
    }
    found
}

/// Values taken; `None` when it went back (set, restarted, cycled) or is another sequence by now.
fn steps(first: &Sequence, last: &Sequence) -> Option<i64> {
    let shape = |row: &Sequence| (row.increment, row.min_value, row.max_value);
    if shape(first) != shape(last) || last.increment == 0 {
        return None;
    }
    let way = last.last_value?.checked_sub(first.last_value?)?;
    way.checked_div(last.increment).filter(|steps| *steps >= 0 && way % last.increment == 0)
}

fn database_sizes(start: &Start, end: &Start) -> Vec<SizeGrowth> {
    let rows = end.databases.iter().filter_map(|last| {
        let first = start.databases.iter().find(|row| row.oid == last.oid)?;
        let bytes = last.size_bytes?.checked_sub(first.size_bytes?)?;
        Some(SizeGrowth { name: last.name.clone(), bytes })
    });
    rows.collect()
}

fn tables(start: &Start, end: &Start) -> Vec<TableGrowth> {
    // Sizes of a locked relation are estimates, which must not be held against real ones.
    let is_known = |row: &Relation| !row.sizes_estimated && !row.is_locked;
    let mut found = Vec::new();
    for (database, rows) in &end.relations {
        let Some((_, before)) = start.relations.iter().find(|(name, _)| name == database) else {
            continue;
        };
        let before: BTreeMap<i64, &Relation> =
            before.iter().filter(|row| is_known(row)).map(|row| (row.oid, row)).collect();
        found.extend(rows.iter().filter(|row| is_known(row)).filter_map(|last| {
            let first = before.get(&last.oid)?;
            let bytes = last.total_bytes().checked_sub(first.total_bytes())?;
            Some(TableGrowth { database: database.clone(), oid: last.oid, bytes })
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(oid: i64, age: i64) -> Database {
        Database { oid, name: format!("d{oid}"), frozen_xid_age: age, ..Database::default() }
    }

    fn at(databases: &[(i64, i64)]) -> Start {
        let databases = databases.iter().map(|(oid, age)| database(*oid, *age)).collect();
        Start { databases, ..Start::default() }
    }

    #[test]
    fn what_was_frozen_meanwhile_hides_nothing_as_long_as_something_was_not() {
        let burnt = |start, end| Growth::since(&at(start), &at(end), 1.0).xids;
        assert_eq!(burnt(&[(1, 100), (2, 50)], &[(1, 20), (2, 350)]), Some(300));
        assert_eq!(burnt(&[(1, 100)], &[(1, 20)]), None, "all frozen: unknown, not negative");
        assert_eq!(burnt(&[(1, 100)], &[(3, 900)]), None, "another database");
        assert_eq!(burnt(&[], &[]), None);
    }

    fn sequence(last: i64, increment: i64) -> Sequence {
        Sequence { name: "s".into(), last_value: Some(last), increment, ..Sequence::default() }
    }

    #[test]
    fn sequences_count_values_and_never_go_back() {
        let grown = |first, last| {
            let of = |row| Start { sequences: vec![("a".into(), vec![row])], ..Start::default() };
            Growth::since(&of(first), &of(last), 1.0).of_sequence("a", "", "s")
        };
        assert_eq!(grown(sequence(10, 5), sequence(60, 5)), Some(10));
        assert_eq!(grown(sequence(-1, -1), sequence(-4, -1)), Some(3));
        assert_eq!(grown(sequence(10, 1), sequence(3, 1)), None, "set back, or cycled");
        assert_eq!(grown(sequence(10, 1), sequence(60, 5)), None, "another sequence of that name");
        assert_eq!(grown(sequence(i64::MIN, 1), sequence(i64::MAX, 1)), None);
    }

    #[test]
    fn estimated_sizes_are_not_compared() {
        let table = |bytes, is_locked| Relation {
            oid: 7,
            heap_bytes: bytes,
            is_locked,
            ..Relation::default()
        };
        let grown = |first, last| {
            let of = |row| Start { relations: vec![("a".into(), vec![row])], ..Start::default() };
            Growth::since(&of(first), &of(last), 1.0).of_table("a", 7)
        };
        assert_eq!(grown(table(10, false), table(4, false)), Some(-6), "sizes may shrink");
        assert_eq!(grown(table(10, false), table(40, true)), None);
    }
}
