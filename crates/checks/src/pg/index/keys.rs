//! Key columns of indexes with what the planner knows of them.

use std::collections::BTreeMap;

use dbvitals_model::pg::{index::Index, schema::Column};

use super::parts;
use crate::{check::Threshold, context::Context, skip::Skip, sql, view::DatabaseView};

/// Columns by table and number.
pub(super) type Columns<'a> = BTreeMap<(i64, i64), &'a Column>;

/// Columns by table and number.
pub(super) fn by_key(columns: &[Column]) -> Columns<'_> {
    columns.iter().map(|column| ((column.table_oid, column.number), column)).collect()
}

/// The column of one key of an index; `None` for an expression or a column that was not collected.
pub(super) fn column<'a>(columns: &Columns<'a>, index: &Index, key: usize) -> Option<&'a Column> {
    let number = index.key_columns.get(key).filter(|number| **number > 0)?;
    columns.get(&(index.table_oid, *number)).copied()
}

/// Plain indexes on one column that have at least `least` bytes, each with its column.
pub(super) fn large_and_plain<'a>(
    db: &DatabaseView<'a>,
    cx: &Context<'_>,
    least: &Threshold,
) -> Result<Vec<(&'a Index, &'a Column)>, Skip> {
    let (indexes, columns) = (db.indexes()?, by_key(db.columns()?));
    require_statistics(&columns, db)?;
    let is_large =
        |index: &Index| index.size_bytes as f64 >= cx.limit_for(least, &index.qualified());
    let of_interest =
        indexes.iter().filter(|index| parts::is_plain_single(index) && is_large(index));
    Ok(of_interest.filter_map(|index| Some((index, column(&columns, index, 0)?))).collect())
}

/// Skips where columns exist and not one has statistics: then the role may not see them, or nothing
/// was ever analysed; either way nothing is known.
pub(super) fn require_statistics(columns: &Columns<'_>, db: &DatabaseView<'_>) -> Result<(), Skip> {
    if columns.is_empty() || columns.values().any(|column| column.n_distinct.is_some()) {
        return Ok(());
    }
    Err(Skip::permission(
        format!("no planner statistics are visible in {}", db.name()),
        format!(
            "GRANT pg_read_all_data TO {}; (14 and later), or ANALYZE if nothing was ever analysed",
            sql::ident(&db.server().server().user)
        ),
    ))
}

/// A column of `public.orders` without statistics, for tests.
#[cfg(test)]
pub(super) fn fixture(number: i64, name: &str) -> Column {
    Column {
        table_oid: 1,
        schema: "public".into(),
        table: "orders".into(),
        number,
        name: name.into(),
        type_name: "text".into(),
        type_id: "text".into(),
        length: -1,
        ..Column::default()
    }
}
