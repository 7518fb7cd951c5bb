//! Which table a name belongs to.

use pg_query::{NodeEnum, protobuf::ColumnRef};

use super::{Columns, Relation};

/// One item of a `FROM` list by the name it goes by.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) alias: String,
    /// Its place among the relations found; `None` for a subquery, a function, a common table expression.
    pub(crate) relation: Option<usize>,
}

/// The items that are visible at one place: those of its own query last, of the queries around it before them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) levels: Vec<Vec<Item>>,
}

/// A column that was found: the place of its table, and its name.
pub(crate) type Found<'n> = (usize, &'n str);

impl Scope {
    /// The table a column belongs to. A name without a table belongs to the innermost query that can have it: by the
    /// catalogue where that is known, else to its only table.
    pub(crate) fn find<'n>(
        &self,
        column: &'n ColumnRef,
        found: &[Relation],
        columns: &dyn Columns,
    ) -> Option<Found<'n>> {
        let (qualifier, name) = parts(column)?;
        for level in self.levels.iter().rev() {
            let owner = match qualifier {
                Some(alias) => level
                    .iter()
                    .find(|item| item.alias == alias)
                    .map_or(Owner::Outside, |item| Owner::Item(item.relation)),
                None => only(level, name, found, columns),
            };
            if let Owner::Item(relation) = owner {
                return relation.map(|relation| (relation, name));
            }
        }
        None
    }

    /// The tables a `*` stands for.
    pub(crate) fn all(&self, column: &ColumnRef) -> Vec<usize> {
        let Some(level) = self.levels.last() else { return Vec::new() };
        let names: Vec<&str> = names(column);
        let wanted = |item: &&Item| names.last().is_none_or(|alias| item.alias == *alias);
        level.iter().filter(wanted).filter_map(|item| item.relation).collect()
    }
}

/// Where a name without a table belongs, as far as one query can tell.
enum Owner {
    /// To this table of the query, or to something that is no table.
    Item(Option<usize>),
    /// To a query around it.
    Outside,
}

fn only(level: &[Item], name: &str, found: &[Relation], columns: &dyn Columns) -> Owner {
    let has = |item: &Item| {
        let table = &found.get(item.relation?)?.table;
        Some(columns.of(table)?.iter().any(|column| column == name))
    };
    let known: Vec<Option<bool>> = level.iter().map(has).collect();
    if let Some(place) = known.iter().position(|has| *has == Some(true)) {
        return Owner::Item(level.get(place).and_then(|item| item.relation));
    }
    let mut open = level.iter().zip(&known).filter(|(_, has)| has.is_none());
    match (open.next(), open.next()) {
        (Some((item, _)), None) => Owner::Item(item.relation),
        // Several could have it: it is certainly not a column of an outer query, but whose it is cannot be told.
        (Some(_), Some(_)) => Owner::Item(None),
        (None, _) => Owner::Outside,
    }
}

fn names(column: &ColumnRef) -> Vec<&str> {
    column
        .fields
        .iter()
        .filter_map(|node| match node.node.as_ref() {
            Some(NodeEnum::String(name)) => Some(name.sval.as_str()),
            _ => None,
        })
        .collect()
}

/// The qualifier and the name of a column; `None` for `*`.
fn parts(column: &ColumnRef) -> Option<(Option<&str>, &str)> {
    if matches!(column.fields.last()?.node, Some(NodeEnum::AStar(_))) {
        return None;
    }
    match names(column).as_slice() {
        [name] => Some((None, *name)),
        [.., alias, name] => Some((Some(*alias), *name)),
        [] => None,
    }
}

/// Whether a reference means all columns.
pub(crate) fn is_star(column: &ColumnRef) -> bool {
    column.fields.last().is_some_and(|node| matches!(node.node, Some(NodeEnum::AStar(_))))
}
