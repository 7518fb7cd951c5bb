//! What to write instead, by the texts of a lookup and of its list.

use crate::{
    Lookup, Statement, TableName,
    lint::name::quoted,
    role::{Relation, Role},
};

/// What the text of a statement tells; nothing where it is not known, or not understood.
#[derive(Debug, Default)]
pub(super) struct Facts {
    lookup: Option<Lookup>,
    relations: Vec<Relation>,
}

impl Facts {
    pub(super) fn of(text: Option<&str>) -> Self {
        let Some(Ok(parsed)) = text.map(Statement::parse) else { return Self::default() };
        let lookup = parsed.lookup().filter(|lookup| lookup.columns.len() == 1);
        Self { lookup, relations: parsed.relations(&()) }
    }

    /// One call for all keys.
    pub(super) fn batched(&self) -> Option<String> {
        let lookup = self.lookup.as_ref()?;
        let column = lookup.columns.first()?;
        Some(format!("SELECT … FROM {} WHERE {} = ANY ($1)", name(&lookup.table), quoted(column)))
    }

    /// The table joined to the list.
    pub(super) fn joined(&self, list: &Self) -> Option<String> {
        let lookup = self.lookup.as_ref()?;
        let column = lookup.columns.first()?;
        let table = name(&lookup.table);
        let found = list.relations.iter().find_map(|it| Some((it, link(it, lookup, column)?)));
        let (alias, key) = match &found {
            Some((relation, key)) => (quoted(&relation.alias), quoted(key)),
            None => (quoted(&list.relations.first()?.alias), "…".to_owned()),
        };
        Some(format!("… LEFT JOIN {table} ON {table}.{} = {alias}.{key}", quoted(column)))
    }
}

/// The column of a list's table that holds the key, by its name: `customer_id` for `customers (id)`, or `id` of
/// `orders` for `lines (order_id)`.
fn link(relation: &Relation, lookup: &Lookup, column: &str) -> Option<String> {
    let shown = relation.uses.iter().filter(|it| it.role == Role::Shown);
    let mut shown = shown.flat_map(|it| &it.columns);
    let points = |from: &str, to_table: &str, to: &str| {
        let stem = from.strip_suffix(to).and_then(|stem| stem.strip_suffix('_'));
        stem.is_some_and(|stem| !stem.is_empty() && to_table.starts_with(stem))
    };
    let down = shown.find(|it| points(it, &lookup.table.name, column));
    down.cloned().or_else(|| points(column, &relation.table.name, "id").then(|| "id".to_owned()))
}

fn name(table: &TableName) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(&table.name)),
        None => quoted(&table.name),
    }
}
