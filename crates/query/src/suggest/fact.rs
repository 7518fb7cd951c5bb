//! What is known of the tables a statement names.

use dbvitals_model::{
    pg::{
        DatabaseSnapshot,
        index::Index,
        relation::Relation,
        schema::{Column, Extension},
    },
    words,
};

use super::LARGE_ROWS;
use crate::{
    TableName,
    building::{Names, Tree, given_away},
    role::Columns,
};

/// What the planner expects a statement to yield.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Rows.
    pub rows: f64,
    /// Mean bytes of a row.
    pub width: f64,
}

/// What is known of the tables of one statement; nothing, without a server.
#[derive(Debug, Clone, Default)]
pub struct Facts<'a> {
    /// Whether a server was asked.
    is_known: bool,
    tables: Vec<Table<'a>>,
    extensions: Vec<&'a Extension>,
    relations: Vec<&'a Relation>,
    indexes: &'a [Index],
    /// The server's major version.
    pub version: Option<u32>,
    /// What the planner expects.
    pub expected: Option<Expected>,
}

/// What is known of one table.
#[derive(Debug, Clone)]
pub(super) struct Table<'a> {
    pub(super) relation: &'a Relation,
    pub(super) columns: Vec<&'a Column>,
    /// Those that are valid.
    pub(super) indexes: Vec<&'a Index>,
    /// Partitions, and partitions of partitions.
    pub(super) parts: Vec<&'a Relation>,
}

impl<'a> Facts<'a> {
    /// What a server's catalogue tells of these tables.
    pub fn new(database: Option<&'a DatabaseSnapshot>, named: &[TableName]) -> Self {
        let Some(database) = database else { return Self::default() };
        let relations: Vec<&Relation> =
            database.relations.value().into_iter().flatten().filter(|r| r.kind != "t").collect();
        let is_named = |r: &&&Relation| named.iter().any(|name| name.may_be(&r.schema, &r.name));
        let tables: Vec<&Relation> = relations.iter().filter(is_named).copied().collect();
        let of = |relation: &&'a Relation| Table {
            relation,
            columns: {
                let all = database.columns.value().into_iter().flatten();
                let own = all.filter(|c| c.table_oid == relation.oid && !c.is_dropped);
                own.collect()
            },
            indexes: {
                let all = database.indexes.value().into_iter().flatten();
                let own = all.filter(|i| i.table_oid == relation.oid && i.is_valid && i.is_live);
                own.collect()
            },
            parts: below(relation.oid, &relations),
        };
        Self {
            is_known: true,
            tables: tables.iter().map(of).collect(),
            extensions: database.extensions.value().into_iter().flatten().collect(),
            relations,
            indexes: database.indexes.value().map_or(&[], Vec::as_slice),
            version: None,
            expected: None,
        }
    }

    /// Whether a server was asked at all.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    /// The one table of that name; none where there are several.
    pub(super) fn table(&self, name: &TableName) -> Option<&Table<'a>> {
        let fits = |table: &&Table<'a>| name.may_be(&table.relation.schema, &table.relation.name);
        let mut named = self.tables.iter().filter(fits);
        let only = named.next()?;
        named.next().is_none().then_some(only)
    }

    /// A table with its partitions.
    pub(super) fn tree(&self, table: &Table<'a>) -> Tree {
        Tree::of(table.relation, &self.relations)
    }

    /// Names that are given away.
    pub(super) fn names(&self) -> Names {
        given_away(self.relations.iter().copied(), self.indexes)
    }

    pub(super) fn extension(&self, name: &str) -> Option<&'a Extension> {
        self.extensions.iter().copied().find(|extension| extension.name == name)
    }
}

/// Everything that has this one as its parent, or as the parent of its parent.
fn below<'a>(oid: i64, relations: &[&'a Relation]) -> Vec<&'a Relation> {
    let mut found: Vec<&Relation> = Vec::new();
    let mut open = vec![oid];
    while let Some(parent) = open.pop() {
        for part in relations.iter().filter(|r| r.parent_oid == Some(parent)) {
            if !found.iter().any(|known| known.oid == part.oid) {
                found.push(part);
                open.push(part.oid);
            }
        }
    }
    found
}

impl<'a> Table<'a> {
    /// Rows, by the planner's estimate, or by the counters where there is none; its partitions' with them.
    pub(super) fn rows(&self) -> f64 {
        let own = |relation: &Relation| {
            #[expect(clippy::cast_precision_loss, reason = "rows are far below 2^52")]
            let live = relation.live_rows as f64;
            if relation.row_estimate > 0.0 { relation.row_estimate } else { live }
        };
        let leaves: f64 = self.parts.iter().filter(|r| r.kind != "p").map(|r| own(r)).sum();
        if self.relation.kind == "p" { leaves } else { own(self.relation) + leaves }
    }

    pub(super) fn is_large(&self) -> bool {
        self.rows() >= LARGE_ROWS
    }

    /// Bytes of the table itself, without its indexes.
    pub(super) fn bytes(&self) -> f64 {
        let all = std::iter::once(&self.relation).chain(&self.parts);
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
        all.map(|r| (r.heap_bytes + r.toast_bytes) as f64).sum()
    }

    pub(super) fn column(&self, name: &str) -> Option<&'a Column> {
        self.columns.iter().copied().find(|column| column.name == name)
    }

    /// The columns of each whole unique index, the primary key first.
    pub(super) fn keys(&self) -> Vec<&'a [String]> {
        let fits = |i: &&&Index| i.is_unique && i.predicate.is_none() && i.expressions.is_none();
        let mut unique: Vec<&Index> = self.indexes.iter().filter(fits).copied().collect();
        unique.sort_by_key(|index| !index.is_primary);
        let keys = unique.into_iter().map(|index| index.key_names.as_slice());
        keys.filter(|key| !key.is_empty()).collect()
    }

    /// The first key whose columns are never NULL.
    pub(super) fn total_key(&self) -> Option<&'a [String]> {
        let never = |name: &String| self.column(name).is_some_and(|column| column.is_not_null);
        self.keys().into_iter().find(|key| key.iter().all(never))
    }

    /// Whether some whole index begins with a column.
    pub(super) fn leads(&self, column: &str) -> bool {
        self.indexes.iter().any(|index| {
            index.predicate.is_none()
                && index.key_names.first().is_some_and(|first| first == column)
                && index.key_columns.first().is_none_or(|number| *number != 0)
        })
    }

    /// `20,000 rows, 5.2 MB`.
    pub(super) fn size(&self) -> String {
        format!("{} rows, {}", words::count(self.rows()), words::bytes(self.bytes()))
    }
}

impl Columns for Facts<'_> {
    fn of(&self, table: &TableName) -> Option<Vec<String>> {
        let columns = &self.table(table)?.columns;
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        (!names.is_empty()).then_some(names)
    }
}
