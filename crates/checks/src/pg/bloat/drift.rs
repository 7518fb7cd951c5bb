//! Indexes of which nothing tells the size after a rebuild, held against what they were: bytes per row then and now.

use dbvitals_model::pg::{growth::IndexBefore, index::Index, relation::Relation};

use super::{Bloat, Confidence, Method, facts::changed};

/// Rows changed since the last analyze, as a share: above it the number of rows is no ground to stand on.
const STALE: f64 = 0.1;

/// A hash index has buckets to spare: they are split one after the other, and their number goes by powers of two in
/// quarters. Others keep pages that were split, as a build does not.
fn doubt(method: &str) -> Option<f64> {
    match method {
        "hash" => Some(0.25),
        "gin" | "gist" | "spgist" => Some(0.1),
        // What BRIN holds does not grow with the rows.
        _ => None,
    }
}

/// What a rebuild would free, if it took as many bytes for a row as the index did at the first look; `None` where that
/// cannot be said.
pub fn of_index(index: &Index, table: &Relation, before: &IndexBefore) -> Option<Bloat> {
    let doubt = doubt(&index.method)?;
    let stale = changed(table);
    if table.row_estimate < 0.0 || index.size_estimated || index.size_bytes <= 0 || stale > STALE {
        return None;
    }
    let rebuilt = before.bytes as f64 / before.table_rows * table.row_estimate;
    let bloat = Bloat::of(index.size_bytes as f64, rebuilt, doubt + stale, Method::Drifted);
    let why = "the earlier size may have been bloated, too: then it is more";
    Some(bloat.doubted(why, Confidence::Medium))
}
