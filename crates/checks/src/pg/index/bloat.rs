//! How large a B-tree would be if it were rebuilt now, from the planner's statistics.
//!
//! Follows the layout of `nbtree`: pages of 8 kB less header and special space, an item pointer and a
//! tuple header per entry, keys aligned as their types ask, equal keys folded into posting lists as a
//! build does it (since 13), leaf pages filled to the fill factor, upper levels by their fan-out.
//! Sources: PostgreSQL `src/include/access/nbtree.h`, `itup.h`, and `nbtsort.c` for the size of a
//! posting list in a build (a tenth of a page).

use dbvitals_model::pg::{index::Index, schema::Column};

use super::keys::{self, Columns};

/// What a rebuild would give.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Estimate {
    /// Size after a rebuild.
    pub(super) rebuilt_bytes: f64,
    /// Share of the present size that a rebuild would free; never negative.
    pub(super) bloat_ratio: f64,
    /// Expected error of `bloat_ratio`, in the same unit.
    pub(super) error_ratio: f64,
}

const PAGE: f64 = 8192.0;
/// Page header (24) and B-tree special space (16).
const PAGE_OVERHEAD: f64 = 40.0;
const ITEM_POINTER: f64 = 4.0;
const TUPLE_HEADER: f64 = 8.0;
const ROW_POINTER: f64 = 6.0;
/// Largest posting list of a build: a tenth of a page, aligned, less its item pointer.
const POSTING_LIMIT: f64 = 812.0;
const DEFAULT_FILL: f64 = 90.0;
/// Upper levels are always filled to this.
const INNER_FILL: f64 = 0.7;

/// What the estimate needs of one key column.
struct Key {
    width: f64,
    align: f64,
    null_ratio: f64,
    distinct: Option<f64>,
}

/// Estimates a B-tree; `None` where it cannot be done honestly: another method, an expression without
/// statistics of its own, a column without statistics, or no row estimate.
pub(super) fn estimate(index: &Index, columns: &Columns<'_>) -> Option<Estimate> {
    let rows = index.row_estimate;
    if index.method != "btree" || rows <= 0.0 || index.size_bytes <= 0 {
        return None;
    }
    let keys: Vec<Key> = (0..index.key_columns.len())
        .map(|key| keys::column(columns, index, key).and_then(|column| read(column, rows)))
        .collect::<Option<_>>()?;
    let included: Vec<Key> = index
        .included_columns
        .iter()
        .map(|number| columns.get(&(index.table_oid, *number)).and_then(|c| read(c, rows)))
        .collect::<Option<_>>()?;
    let leaf = leaf(index, rows, &keys, &included);
    let fill = option(index, "fillfactor").unwrap_or(DEFAULT_FILL) / 100.0;
    let room = PAGE - PAGE_OVERHEAD;
    let entry = tuple_width(&keys, &included) + ITEM_POINTER;
    let filled = filled(room - ITEM_POINTER - PAGE * (1.0 - fill), &leaf);
    let leaves = (leaf.bytes / filled.max(1.0)).ceil().max(1.0);
    let fan_out = (room * INNER_FILL / entry).max(2.0);
    let mut pages = 1.0 + leaves;
    let mut level = leaves;
    while level > 1.0 {
        level = (level / fan_out).ceil();
        pages += level;
    }
    let rebuilt_bytes = pages * PAGE;
    let bloat_ratio = (1.0 - rebuilt_bytes / index.size_bytes as f64).max(0.0);
    Some(Estimate { rebuilt_bytes, bloat_ratio, error_ratio: error(index, &keys) })
}

/// Bytes of tuples on a leaf page that offers `capacity`: whole tuples only. Equal tuples leave the same
/// remainder on every page; where shorter lists stand between full ones it is half a tuple on average.
fn filled(capacity: f64, leaf: &Leaf) -> f64 {
    let tuple = leaf.bytes / leaf.tuples;
    let waste = if leaf.are_alike { capacity % tuple } else { tuple / 2.0 };
    capacity - waste
}

/// What the leaf level holds.
struct Leaf {
    /// All tuples with their item pointers.
    bytes: f64,
    tuples: f64,
    /// Nearly every page holds tuples of one size.
    are_alike: bool,
}

/// Full posting lists of a value from which a page seldom holds a shorter one: twice what a page holds.
const MANY_LISTS: f64 = 18.0;

fn leaf(index: &Index, rows: f64, keys: &[Key], included: &[Key]) -> Leaf {
    let width = tuple_width(keys, included);
    let plain = Leaf { bytes: rows * (width + ITEM_POINTER), tuples: rows, are_alike: true };
    let folds = !index.is_unique
        && included.is_empty()
        && index.options.iter().all(|pair| pair != "deduplicate_items=off");
    let Some(distinct) = distinct(rows, keys).filter(|_| folds) else { return plain };
    let repeats = rows / distinct;
    let per_list = ((POSTING_LIMIT - width) / ROW_POINTER).floor();
    if repeats < 2.0 || per_list < 2.0 {
        return plain;
    }
    // A value's rows fill whole lists; the rest makes one shorter list.
    let lists = (repeats / per_list).ceil();
    let list_bytes = align(width * lists + ROW_POINTER * repeats, 8.0) + ITEM_POINTER * lists;
    let folded = Leaf {
        bytes: distinct * list_bytes,
        tuples: distinct * lists,
        are_alike: lists >= MANY_LISTS,
    };
    if folded.bytes < plain.bytes { folded } else { plain }
}

/// Number of different keys; `None` where a column's is unknown. Columns are taken as independent.
fn distinct(rows: f64, keys: &[Key]) -> Option<f64> {
    let product = keys.iter().try_fold(1.0_f64, |product, key| {
        let nulls = if key.null_ratio > 0.0 { 1.0 } else { 0.0 };
        Some(product * (key.distinct? + nulls))
    })?;
    Some(product.clamp(1.0, rows))
}

/// Mean width of a leaf tuple, aligned: NULLs take no room but the bitmap they need.
fn tuple_width(keys: &[Key], included: &[Key]) -> f64 {
    let all = || keys.iter().chain(included);
    let data = all().fold(0.0, |offset, key| {
        let present = align(offset, key.align) + key.width;
        offset + (present - offset) * (1.0 - key.null_ratio)
    });
    let some_null = 1.0 - all().map(|key| 1.0 - key.null_ratio).product::<f64>();
    let header = TUPLE_HEADER + 8.0 * some_null;
    align(header + data, 8.0)
}

fn read(column: &Column, rows: f64) -> Option<Key> {
    let width = if column.length > 0 { column.length } else { column.average_width? } as f64;
    let align = match column.alignment.as_str() {
        "d" => 8.0,
        "i" if column.length > 0 || width >= 127.0 => 4.0,
        "s" => 2.0,
        // Short texts carry a one-byte header and need no alignment.
        _ => 1.0,
    };
    let null_ratio = column.null_ratio?.clamp(0.0, 1.0);
    let distinct =
        column.n_distinct.filter(|n| *n != 0.0).map(|n| if n > 0.0 { n } else { -n * rows });
    Some(Key { width, align, null_ratio, distinct })
}

/// Expected error in share of the present size: one plain column is modelled closely; several columns
/// are taken as independent, and a predicate may select rows unlike the table's.
fn error(index: &Index, keys: &[Key]) -> f64 {
    let unknown = keys.iter().any(|key| key.distinct.is_none());
    match (index.predicate.is_some(), keys.len()) {
        (true, _) => 0.2,
        (false, 1) if !unknown => 0.05,
        (false, _) => 0.1,
    }
}

fn option(index: &Index, key: &str) -> Option<f64> {
    let pair =
        index.options.iter().find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key));
    pair.and_then(|(_, value)| value.parse().ok())
}

fn align(offset: f64, to: f64) -> f64 {
    (offset / to).ceil() * to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::index::fixture;

    fn column(length: i64, width: i64, alignment: &str, distinct: f64) -> Column {
        Column {
            length,
            average_width: Some(width),
            alignment: alignment.into(),
            null_ratio: Some(0.0),
            n_distinct: Some(distinct),
            ..keys::fixture(3, "c")
        }
    }

    /// Sizes of fresh indexes over a million rows, measured on PostgreSQL 15.20.
    #[test]
    fn fresh_indexes_are_estimated_within_three_points() {
        for (what, column, is_unique, measured) in [
            ("unique bigint", column(8, 8, "d", -1.0), true, 22_487_040_i64),
            ("integer with 1000 values", column(4, 4, "i", 1000.0), false, 7_340_032),
            ("md5 text", column(-1, 33, "i", -1.0), false, 59_064_320),
            ("text with 7 values", column(-1, 7, "i", 7.0), false, 6_963_200),
        ] {
            let index = Index {
                is_unique,
                size_bytes: measured,
                row_estimate: 1e6,
                ..fixture::index(5, "i")
            };
            let columns = [column];
            let estimate = estimate(&index, &keys::by_key(&columns)).unwrap();
            let error = (estimate.rebuilt_bytes / measured as f64 - 1.0).abs();
            assert!(error < 0.03, "{what}: {} instead of {measured}", estimate.rebuilt_bytes);
        }
    }

    #[test]
    fn without_statistics_there_is_no_estimate() {
        let index = fixture::index(5, "i");
        let bare = [Column { average_width: Some(8), ..keys::fixture(3, "c") }];
        assert!(estimate(&index, &keys::by_key(&bare)).is_none());
        assert!(estimate(&index, &keys::by_key(&[])).is_none());
    }
}
