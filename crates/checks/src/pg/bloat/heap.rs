//! How many pages a table would take if it were written afresh, from the planner's statistics.
//!
//! Rows are laid out as the server lays them out: columns in the order of their numbers, each at the
//! alignment of its type, behind a header of 23 bytes and, where something is null, a bitmap; pages of a
//! header, item pointers and rows, less what `fillfactor` keeps free on purpose. Values moved to the TOAST
//! table count as the pointer they left behind, which is how the average widths count them.

use dbvitals_model::pg::{relation::Relation, schema::Column};

use super::{
    Bloat, Confidence, Method,
    facts::{self, Facts},
    layout::{Walk, Width, alignment, padded},
};

const PAGE_HEADER: f64 = 24.0;
const ITEM_POINTER: f64 = 4.0;
const ROW_HEADER: f64 = 23.0;
/// Rows and their headers begin at multiples of this.
const ROW_ALIGNMENT: usize = 8;

/// What is known of a table's main fork.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heap<'a> {
    /// Live rows.
    pub(super) rows: f64,
    /// How wrong that number may be, as a share of it.
    pub(super) rows_doubt: f64,
    /// Pages of the main fork.
    pub(super) pages: f64,
    /// Bytes of a page.
    pub(super) page_bytes: f64,
    /// Percent of a page that inserts may fill, 10 to 100.
    pub(super) fillfactor: f64,
    /// Rows changed since the widths were sampled, as a share of all.
    pub(super) changed: f64,
    /// Columns in the order of their numbers, dropped ones included.
    pub(super) columns: &'a [&'a Column],
}

/// Estimates a table without its TOAST table; `None` where no column has statistics, or nothing is known of rows.
pub(super) fn of_table(facts: &Facts<'_>, table: &Relation) -> Option<Bloat> {
    let (rows, rows_doubt) = facts::live_rows(table)?;
    let counted = rows_doubt < 0.05 && !table.sizes_estimated;
    let (rows, pages) = if counted {
        (rows, main_pages(table, facts.page_bytes()))
    } else if table.row_estimate >= 0.0 {
        (table.row_estimate, table.pages as f64)
    } else {
        return None;
    };
    estimate(&Heap {
        rows,
        rows_doubt: if counted { rows_doubt } else { 0.05 },
        pages,
        page_bytes: facts.page_bytes(),
        fillfactor: facts::option(&table.options, "fillfactor").unwrap_or(100.0),
        changed: facts::changed(table),
        columns: facts.columns(table.oid),
    })
}

/// Pages of the main fork: the catalogue's number where it still holds, else the size less the maps.
pub(super) fn main_pages(table: &Relation, page_bytes: f64) -> f64 {
    let all = table.heap_bytes as f64 / page_bytes;
    // One byte of the free space map and two bits of the visibility map stand for a page.
    let maps = all / (page_bytes / 2.0) + all / (page_bytes * 4.0) + 4.0;
    let known = table.pages as f64;
    if known <= all && all - known <= maps + 2.0 { known } else { (all - maps).max(1.0) }
}

/// Rows on a page of a table written afresh, and how wrong that may be as a share.
pub(super) fn per_page(heap: &Heap<'_>) -> Option<(f64, f64)> {
    let described = |c: &&&Column| !c.is_dropped && c.null_ratio.is_some();
    if heap.pages < 1.0 || heap.page_bytes < 1024.0 || heap.columns.iter().find(described).is_none()
    {
        return None;
    }
    let row = Row::of(heap.columns);
    let slot = row.bytes + ITEM_POINTER;
    let reserve = heap.page_bytes * (100.0 - heap.fillfactor.clamp(10.0, 100.0)) / 100.0;
    let most = ((heap.page_bytes - PAGE_HEADER) / (24.0 + ITEM_POINTER)).floor();
    let fit = (heap.page_bytes - PAGE_HEADER - reserve) / slot;
    // Rows of one size leave the same rest on every page; others leave half a row on average.
    let per_page = if row.is_exact { fit.floor() } else { fit - 0.5 }.clamp(1.0, most);
    let rest = if row.is_exact { 0.0 } else { 0.25 / per_page };
    Some((per_page, row.doubt / slot + rest))
}

/// Estimates a main fork; `None` where no column has statistics, or there is nothing to divide by.
fn estimate(heap: &Heap<'_>) -> Option<Bloat> {
    let (per_page, doubt) = per_page(heap)?;
    let needed = (heap.rows.max(0.0) / per_page).ceil().min(heap.pages);
    let drift = 0.1 * heap.changed.clamp(0.0, 3.0);
    let doubt = doubt + drift + heap.rows_doubt.max(0.0) + 0.005;
    let error = doubt * needed / heap.pages;
    let bytes = heap.pages * heap.page_bytes;
    let bloat = Bloat::of(bytes, needed * heap.page_bytes, error, Method::Estimated);
    Some(explained(heap, bloat))
}

fn explained(heap: &Heap<'_>, bloat: Bloat) -> Bloat {
    let row = Row::of(heap.columns);
    let mut bloat = bloat;
    if heap.changed > 0.2 {
        let most = if heap.changed > 1.0 { Confidence::Low } else { Confidence::Medium };
        bloat = bloat.doubted("many rows changed since the widths were sampled", most);
    }
    if heap.rows_doubt > 0.04 {
        bloat = bloat.doubted("the number of rows is uncertain", Confidence::Medium);
    }
    if row.unknown > 0 {
        let why = format!("{} columns have no statistics", row.unknown);
        bloat = bloat.doubted(why, Confidence::Low);
    }
    if !row.is_exact && row.bytes > heap.page_bytes / 8.0 {
        bloat = bloat.doubted("rows are wide and of many sizes", Confidence::Medium);
    }
    if bloat.confidence < Confidence::High && bloat.reasons.is_empty() {
        bloat.reasons.push("widths are averages, padding between columns is guessed".to_owned());
    }
    bloat
}

/// An average row, its header included, padded to its end.
#[derive(Debug)]
struct Row {
    bytes: f64,
    /// Every row has this size.
    is_exact: bool,
    /// Bytes the average may be off.
    doubt: f64,
    /// Columns without statistics, taken as null.
    unknown: usize,
}

impl Row {
    fn of(columns: &[&Column]) -> Self {
        let mut walk = Walk::start();
        let mut without_null = 1.0;
        let (mut is_exact, mut unknown) = (true, 0);
        for column in columns {
            let null = if column.is_dropped { 1.0 } else { null_ratio(column) };
            let known = column.null_ratio.is_some() || column.is_dropped;
            let width = Width::of(column);
            if !known && (width.is_none() || !column.is_not_null) {
                unknown += 1;
            }
            without_null *= 1.0 - null;
            is_exact &= null <= 0.0 || null >= 1.0;
            if let Some(width) = width.filter(|_| null < 1.0) {
                is_exact &= width.is_fixed();
                walk = walk.with(width, alignment(column)).or_null(&walk, null);
            }
        }
        walk.align(ROW_ALIGNMENT);
        let bitmap = columns.iter().map(|column| column.number).max().unwrap_or(0).max(0) as f64;
        let header = padded(ROW_HEADER, 8.0) * without_null
            + padded(ROW_HEADER + (bitmap / 8.0).ceil(), 8.0) * (1.0 - without_null);
        Self { bytes: header + walk.bytes, is_exact, doubt: walk.doubt, unknown }
    }
}

/// The share of nulls; a column added after the last analyze is null in the rows there are.
fn null_ratio(column: &Column) -> f64 {
    let unknown = if column.is_not_null { 0.0 } else { 1.0 };
    column.null_ratio.unwrap_or(unknown).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
