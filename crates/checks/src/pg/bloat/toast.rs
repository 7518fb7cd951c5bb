//! The TOAST table: values cut into chunks, at most four to a page.

use dbvitals_model::pg::relation::Relation;

use super::{
    Bloat, Confidence, Method,
    facts::{self, Facts},
};

/// A value's last chunk is shorter than the others: as little as half of the room of four to a page.
const LEAST_FILL: f64 = 0.5;
/// Full chunks to a page, by the server's layout whatever the page size.
const CHUNKS: f64 = 4.0;
/// Below this share of the table its TOAST table is not looked into.
const NEGLIGIBLE: f64 = 0.02;

/// Estimates a TOAST table from its number of chunks; `None` where there is none, or nobody counted. How long
/// chunks are is written nowhere, so the truth is open above.
pub(super) fn estimate(facts: &Facts<'_>, table: &Relation) -> Option<Bloat> {
    let bytes = table.toast_heap_bytes as f64;
    if bytes < NEGLIGIBLE * table.heap_bytes as f64 || bytes < facts.page_bytes() {
        return None;
    }
    let (rows, _) = chunks(table)?;
    let full = (rows / CHUNKS).ceil() * facts.page_bytes();
    let error = 0.02 * full.min(bytes) / bytes;
    let bloat = Bloat::of(bytes, full, error, Method::Estimated);
    let most = 1.0 - LEAST_FILL * full.min(bytes) / bytes;
    Some(if most - bloat.ratio > 0.03 {
        bloat.open_above(most, "how full the chunks of its TOAST table are is not known")
    } else {
        bloat.doubted("chunks of its TOAST table are taken as full", Confidence::Medium)
    })
}

fn chunks(table: &Relation) -> Option<(f64, f64)> {
    if facts::live_rows(table).is_some_and(|(_, doubt)| doubt < 0.05) && table.toast_live_rows > 0 {
        return Some(((table.toast_live_rows as f64).max(table.toast_row_estimate), 0.01));
    }
    (table.toast_row_estimate >= 0.0).then_some((table.toast_row_estimate, 0.05))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(toast_pages: i64, chunks: f64) -> Relation {
        Relation {
            heap_bytes: 100 * 8192,
            toast_heap_bytes: toast_pages * 8192,
            toast_row_estimate: chunks,
            ..Relation::default()
        }
    }

    fn of(table: &Relation) -> Option<Bloat> {
        estimate(&Facts::new(8192, &[], &[]), table)
    }

    #[test]
    fn chunks_that_are_gone_are_bloat_at_least() {
        let half = of(&table(1000, 2000.0)).unwrap();
        assert!((half.ratio - 0.5).abs() < 1e-9);
        assert!(half.at_least > 0.48 && half.at_most > 0.74, "{half:?}");
        assert_eq!(half.confidence, Confidence::Low);
    }

    #[test]
    fn short_chunks_invent_no_bloat() {
        assert!(of(&table(1000, 6000.0)).unwrap().ratio < 1e-9);
        assert_eq!(of(&table(1, 3.0)), None, "too little to matter");
        assert_eq!(of(&table(1000, -1.0)), None, "nobody counted");
    }
}
