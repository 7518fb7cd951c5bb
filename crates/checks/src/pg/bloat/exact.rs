//! Bloat from what `pgstattuple` counted on the pages, with its two famous errors corrected.
//!
//! A density of 90 % is not 10 % of bloat but the fill factor; free space within the reserve of a table's
//! `fillfactor` is kept on purpose. High keys, page headers and pointers left behind by deleted rows are not data.

use dbvitals_model::pg::{index::Index, measured::Measured, relation::Relation};

use super::{
    Bloat, Confidence, Method, btree,
    facts::{self, Facts},
    heap, toast,
};

/// Header and special space of a B-tree page.
const BTREE_OVERHEAD: f64 = 40.0;
const PAGE_HEADER: f64 = 24.0;
const ITEM_POINTER: f64 = 4.0;
/// The free space map rounds down to 1/256 of a page, half of that on average.
const MAP_GRAIN: f64 = 512.0;

/// A measured B-tree; `None` where it was not measured.
pub fn of_index(facts: &Facts<'_>, index: &Index) -> Option<Bloat> {
    let measured = facts.measured(index.oid)?;
    let (leaves, density) = (measured.leaf_pages? as f64, measured.average_leaf_density?);
    let bytes = measured.size_bytes as f64;
    if bytes < 1.0 || !density.is_finite() {
        return None;
    }
    let page = facts.page_bytes();
    let build = btree::Build::of(facts, index);
    let (slot, pivot) = build.as_ref().map_or((40.0, 20.0), btree::Build::slots);
    let used = density / 100.0 * leaves * (page - BTREE_OVERHEAD) - leaves * pivot;
    let pages = btree::pages_of(facts, index);
    // A page is left when the next tuple would reach into the reserve: half a tuple before it, on average.
    let room = page - BTREE_OVERHEAD - pivot - pages.reserve - slot / 2.0;
    let new_leaves = (used.max(0.0) / room.max(1.0)).ceil().max(1.0);
    let inner = measured.internal_pages.unwrap_or(0) as f64;
    let new_inner = if leaves > 1.0 { (inner * new_leaves / leaves).ceil() } else { inner };
    let rebuilt = (1.0 + new_leaves + new_inner) * page;
    let bloat = Bloat::of(bytes, rebuilt, 0.02, Method::Measured);
    let alive = facts.table(index.table_oid).map_or(1.0, alive);
    let bloat = with_folding(facts, index, bloat);
    if alive > 0.95 {
        return Some(bloat);
    }
    // Entries of dead rows are counted as used until a vacuum takes them out.
    let most = 1.0 - (1.0 - bloat.ratio) * alive;
    Some(bloat.open_above(most, "entries of dead rows may be among those counted"))
}

/// Rows added one by one are folded less than a build folds them: there the estimate knows more than the pages.
fn with_folding(facts: &Facts<'_>, index: &Index, measured: Bloat) -> Bloat {
    if !btree::folds(index) {
        return measured;
    }
    match btree::estimate(facts, index) {
        Some(estimate)
            if estimate.error() <= 0.1 && estimate.rebuilt_bytes < measured.rebuilt_bytes =>
        {
            let error = 0.02 + (estimate.ratio - measured.ratio) / 2.0;
            Bloat::of(measured.bytes, estimate.rebuilt_bytes, error.min(0.05), Method::Measured)
        }
        _ => {
            let most = measured.ratio + 0.1 * (1.0 - measured.ratio);
            measured.open_above(most, "how much a rebuild would fold is not known")
        }
    }
}

/// Share of a table's rows that are not dead.
fn alive(table: &Relation) -> f64 {
    let (live, dead) = (table.live_rows.max(0) as f64, table.dead_rows.max(0) as f64);
    if live + dead < 1.0 { 1.0 } else { live / (live + dead) }
}

/// A measured table with its TOAST table; `None` where it was not measured.
pub fn of_table(facts: &Facts<'_>, table: &Relation) -> Option<Bloat> {
    let fill = facts::option(&table.options, "fillfactor").unwrap_or(100.0);
    let measured = of_heap(facts, facts.measured(table.oid)?, fill)?;
    let main = with_columns(facts, table, measured);
    let toast = table.toast_oid.and_then(|oid| of_heap(facts, facts.measured(oid)?, 100.0));
    Some(match toast.or_else(|| toast::estimate(facts, table)) {
        Some(toast) => main.joined(toast),
        None => main,
    })
}

/// What the pages tell and what the columns tell narrow each other; where they contradict, pages win, unless rows
/// carry columns that were dropped, which no count on pages tells.
fn with_columns(facts: &Facts<'_>, table: &Relation, measured: Bloat) -> Bloat {
    let Some(estimate) = heap::of_table(facts, table) else { return measured };
    if facts.columns(table.oid).iter().any(|column| column.is_dropped) {
        let most = estimate.at_most;
        return if estimate.confidence > Confidence::Low {
            Bloat { method: Method::Measured, bytes: measured.bytes, ..estimate }
        } else {
            measured.open_above(most, "rows may carry columns that were dropped")
        };
    }
    let (least, most) =
        (measured.at_least.max(estimate.at_least), measured.at_most.min(estimate.at_most));
    if least > most || estimate.confidence == Confidence::Low {
        return measured;
    }
    let surer = if estimate.error() < measured.error() { &estimate } else { &measured };
    let ratio = surer.ratio.clamp(least, most);
    let mut both = Bloat::of(measured.bytes, (1.0 - ratio) * measured.bytes, 0.0, Method::Measured);
    (both.at_least, both.at_most) = (least, most);
    both.confidence = Confidence::of(both.error());
    both
}

fn of_heap(facts: &Facts<'_>, measured: &Measured, fillfactor: f64) -> Option<Bloat> {
    let (bytes, page) = (measured.size_bytes as f64, facts.page_bytes());
    let (rows, free) = (measured.live_rows? as f64, measured.free_bytes? as f64);
    if bytes < 1.0 {
        return None;
    }
    let pages = (bytes / page).round();
    let unread = 1.0 - measured.scanned_percent.unwrap_or(100.0).clamp(0.0, 100.0) / 100.0;
    let free = free + unread * pages * page / MAP_GRAIN;
    let dead = measured.dead_bytes.unwrap_or(0) as f64;
    let content = (bytes - free - dead - pages * PAGE_HEADER).max(0.0);
    let room = page - PAGE_HEADER - page * (100.0 - fillfactor.clamp(10.0, 100.0)) / 100.0;
    let slot = slot(rows, content, pages * room);
    let fit = room / slot.max(1.0);
    // Whether rows are of one size is not known: the rest of a page is between nothing and a row.
    let needed = if rows < 1.0 { 0.0 } else { (rows / (fit - 0.4).max(1.0)).ceil() };
    // Updates between two vacuums leave more pointers than rows that were there.
    let gone = 1.0 - needed.min(pages) / pages;
    let pointers = (ITEM_POINTER / slot.max(ITEM_POINTER)).min(0.2) * gone;
    let error = 0.01 + (0.5 / fit.max(1.0)).min(0.2) * (1.0 - gone) + pointers;
    Some(Bloat::of(bytes, needed * page, error, Method::Measured))
}

/// Bytes of a row with its pointer. Pointers of deleted rows stay on the page: `room` once held rows all over,
/// and those that are gone left four bytes each.
fn slot(rows: f64, content: f64, room: f64) -> f64 {
    if rows < 1.0 {
        return 0.0;
    }
    let half = f64::midpoint(content, ITEM_POINTER * rows);
    let under = half * half - ITEM_POINTER * rows * room;
    let corrected = (half + under.max(0.0).sqrt()) / rows;
    if under > 0.0 { corrected } else { content / rows }
}
