//! How large a B-tree would be if it were rebuilt now, from the planner's statistics.
//!
//! Follows the layout of `nbtree`: pages less header and special space, an item pointer and a tuple header per
//! entry, keys aligned as their types ask, equal keys folded into posting lists as a build does it (since 13),
//! leaf pages filled to the fill factor, upper levels by their fan-out.
//! Sources: PostgreSQL `src/include/access/nbtree.h`, `itup.h`, `nbtsort.c`.

use dbvitals_model::pg::{index::Index, schema::Column};

use super::{
    Bloat, Confidence, Method,
    distinct::{self, Distinct},
    facts::{self, Facts},
    layout::{Walk, Width, alignment, padded},
    leaf::{Group, Pages},
    predicate::{self, Says},
};

const TUPLE_HEADER: f64 = 8.0;
const ROW_POINTER_KEY: f64 = 8.0;
const DEFAULT_FILL: f64 = 90.0;
/// Longest text stored with a header of one byte, that byte included.
const LONGEST_SHORT: i64 = 127;
/// Upper levels are always filled to this percent.
const INNER_FILL: f64 = 70.0;

/// What the estimate needs of one column.
#[derive(Debug, Clone, Copy)]
struct Key {
    width: Width,
    align: usize,
    null_ratio: f64,
    /// Different values, nulls aside, among the rows of the index.
    distinct: Option<f64>,
    /// Number and share of the most common values, where they are those of the index's rows.
    common: Option<(f64, f64)>,
}

/// An index taken apart.
pub(super) struct Build {
    rows: f64,
    rows_doubt: f64,
    groups: Vec<Group>,
    /// Bytes of an entry on an upper level, without its pointer.
    pivot: f64,
    pages: Pages,
    distinct: Distinct,
    doubt: f64,
    keys: Vec<Key>,
    included: Vec<Key>,
}

/// Estimates a B-tree; `None` where it cannot be done honestly: another method, an expression or a column
/// without statistics, or no number of rows.
pub(super) fn estimate(facts: &Facts<'_>, index: &Index) -> Option<Bloat> {
    let build = Build::of(facts, index)?;
    let bytes = index.size_bytes as f64;
    let most = build.bytes(build.distinct.most);
    let error = build.error(facts, index) * most.min(bytes) / bytes;
    let bloat = Bloat::of(bytes, most, error, Method::Estimated);
    Some(build.explained(facts, index, bloat))
}

/// Whether a rebuild folds equal keys.
pub(super) fn folds(index: &Index) -> bool {
    !index.is_unique
        && index.included_columns.is_empty()
        && index.has_equal_images.unwrap_or(true)
        && !index.options.iter().any(|pair| {
            pair.strip_prefix("deduplicate_items=")
                .is_some_and(|value| matches!(value, "off" | "false" | "no" | "0"))
        })
}

/// Bytes a build leaves free on a leaf page.
pub(super) fn pages_of(facts: &Facts<'_>, index: &Index) -> Pages {
    let fill = facts::option(&index.options, "fillfactor").unwrap_or(DEFAULT_FILL);
    Pages::filled(facts.page_bytes(), fill, folds(index))
}

impl Build {
    /// Takes an index apart; `None` as for [`estimate`].
    pub(super) fn of(facts: &Facts<'_>, index: &Index) -> Option<Self> {
        if index.method != "btree" || index.size_bytes <= 0 {
            return None;
        }
        let (rows, rows_doubt) = rows(facts, index)?;
        let all = facts.table(index.table_oid).map_or(rows, |table| table.row_estimate).max(rows);
        let keys: Vec<Key> = (0..index.key_columns.len())
            .map(|key| read(facts.key(index, key)?, index, rows, all))
            .collect::<Option<_>>()?;
        let included: Vec<Key> = index
            .included_columns
            .iter()
            .map(|number| read(facts.column(index.table_oid, *number)?, index, rows, all))
            .collect::<Option<_>>()?;
        let pages = pages_of(facts, index);
        let mut distinct = Distinct { least: rows, most: rows };
        if pages.folds {
            let single: Option<Vec<f64>> = keys
                .iter()
                .map(|key| Some(key.distinct? + if key.null_ratio > 0.0 { 1.0 } else { 0.0 }))
                .collect();
            distinct = distinct::of_keys(facts, index, rows, &single?);
        }
        let (pivot, _) = tuple_width(&keys, &[]);
        let (_, doubt) = tuple_width(&keys, &included);
        let mut build = Self {
            rows,
            rows_doubt,
            groups: Vec::new(),
            pivot,
            pages,
            distinct,
            doubt,
            keys,
            included,
        };
        build.groups = build.groups_of(distinct.most);
        Some(build)
    }

    /// Bytes of the whole index with so many different keys.
    fn bytes(&self, distinct: f64) -> f64 {
        let groups = self.groups_of(distinct);
        let leaves = self.pages.needed(&groups).ceil().max(1.0);
        // Neighbours with equal keys are told apart by a row pointer.
        let repeats = self.rows / distinct.max(1.0);
        let pivot = self.pivot + if repeats > 300.0 { ROW_POINTER_KEY } else { 0.0 };
        let inner = Pages::filled(self.pages.bytes, INNER_FILL, false);
        let is_one_width = self.keys.iter().all(|key| key.width.is_fixed());
        let entry = Group { rows: 1.0, distinct: 1.0, width: pivot, is_one_width };
        let fan_out = inner.per_page(&entry).max(2.0);
        let mut pages = 1.0 + leaves;
        let mut level = leaves;
        while level > 1.0 {
            level = (level / fan_out).ceil();
            pages += level;
        }
        pages * self.pages.bytes
    }

    /// Rows of a single column apart by nulls and common values; those of several together.
    fn groups_of(&self, distinct: f64) -> Vec<Group> {
        let (width, _) = tuple_width(&self.keys, &self.included);
        let has_nulls =
            self.keys.iter().chain(&self.included).any(|key| (1e-9..1.0).contains(&key.null_ratio));
        let is_one_width = !has_nulls
            && self
                .keys
                .iter()
                .chain(&self.included)
                .all(|key| key.null_ratio >= 1.0 || key.width.is_fixed());
        let [key] = self.keys.as_slice() else {
            return vec![Group { rows: self.rows, distinct, width, is_one_width }];
        };
        if !self.included.is_empty() {
            return vec![Group { rows: self.rows, distinct, width, is_one_width }];
        }
        let nulls = self.rows * key.null_ratio;
        let null = Group { rows: nulls, distinct: 1.0, width: 16.0, is_one_width: true };
        let present = Key { null_ratio: 0.0, ..*key };
        let (width, _) = tuple_width(&[present], &[]);
        let is_one_width = key.width.is_fixed();
        let rows = self.rows - nulls;
        let values = (distinct - if nulls > 0.0 { 1.0 } else { 0.0 }).clamp(1.0, rows.max(1.0));
        let one = |rows, distinct| Group { rows, distinct, width, is_one_width };
        match key.common.filter(|(number, _)| *number < values && self.pages.folds) {
            Some((number, share)) => {
                let frequent = (self.rows * share).min(rows);
                vec![null, one(frequent, number), one(rows - frequent, values - number)]
            }
            None => vec![null, one(rows, values)],
        }
    }

    /// Bytes of a leaf tuple with its pointer, and of an upper one.
    pub(super) fn slots(&self) -> (f64, f64) {
        (tuple_width(&self.keys, &self.included).0 + 4.0, self.pivot + 4.0)
    }

    /// Expected error as a share of the rebuilt size: from what was measured over many shapes, see the
    /// documentation of the estimates.
    fn error(&self, facts: &Facts<'_>, index: &Index) -> f64 {
        let (slot, _) = self.slots();
        let repeats = self.rows / self.distinct.most.max(1.0);
        let width = self.doubt / slot;
        // Between every key being alone and long lists, the size hangs on how values are spread.
        let folding = if self.pages.folds && (1.02..40.0).contains(&repeats) { 0.06 } else { 0.0 };
        let part = if index.predicate.is_some() { 0.03 } else { 0.0 };
        let drift = facts.table(index.table_oid).map_or(0.0, facts::changed).min(3.0) * 0.1;
        0.02 + width + folding + part + drift + self.rows_doubt
    }

    fn explained(&self, facts: &Facts<'_>, index: &Index, bloat: Bloat) -> Bloat {
        let mut bloat = bloat;
        let changed = facts.table(index.table_oid).map_or(0.0, facts::changed);
        if changed > 0.2 {
            let most = if changed > 1.0 { Confidence::Low } else { Confidence::Medium };
            bloat = bloat.doubted("many rows changed since the last analyze", most);
        }
        let fewest = self.bytes(self.distinct.least);
        let spread = bloat.rebuilt_bytes - fewest.min(bloat.rebuilt_bytes);
        if spread > 0.02 * bloat.bytes {
            let most = 1.0 - fewest / bloat.bytes + bloat.error();
            return bloat.open_above(
                most,
                "how many combinations of its columns there are is not known (CREATE STATISTICS)",
            );
        }
        bloat
    }
}

/// Rows of the index now, and how wrong that may be as a share.
fn rows(facts: &Facts<'_>, index: &Index) -> Option<(f64, f64)> {
    let known = (index.row_estimate > 0.0).then_some(index.row_estimate);
    let Some(table) = facts.table(index.table_oid) else { return known.map(|rows| (rows, 0.02)) };
    let live = facts::live_rows(table);
    if index.predicate.is_none() {
        return live.or(known.map(|rows| (rows, 0.05))).filter(|(rows, _)| *rows > 0.0);
    }
    // Of a part the server only counts rows when it vacuums or analyzes; since then it grew as its table did.
    let rows = known?;
    let grown = match live {
        Some((live, _)) if table.row_estimate >= 1.0 => live / table.row_estimate,
        _ => 1.0,
    };
    let doubt = 0.01 + 0.5 * (grown - 1.0).abs().min(1.0);
    Some((rows * grown, doubt))
}

fn read(column: &Column, index: &Index, rows: f64, all: f64) -> Option<Key> {
    let mut null_ratio = column.null_ratio?.clamp(0.0, 1.0);
    let is_own = column.table_oid == index.oid;
    let distinct = column.n_distinct.filter(|n| *n != 0.0);
    let common = column
        .common_values
        .zip(column.common_ratio)
        .map(|(number, share)| (number as f64, share.clamp(0.0, 1.0)));
    // Statistics of an expression are those of the index's own rows.
    let base = if is_own { rows } else { all };
    let mut distinct = distinct.map(|n| if n > 0.0 { n } else { -n * base });
    if null_ratio >= 1.0 {
        distinct = Some(0.0);
    }
    let mut common = common;
    if let Some(predicate) = index.predicate.as_deref().filter(|_| !is_own) {
        common = None;
        let said = predicate::says(predicate, &column.name);
        let present = all * (1.0 - null_ratio);
        match said {
            Some(Says::Absent) => (null_ratio, distinct) = (1.0, Some(0.0)),
            Some(Says::OneValue | Says::Boolean) => (null_ratio, distinct) = (0.0, Some(1.0)),
            Some(Says::Present) => {
                null_ratio = 0.0;
                distinct = distinct.map(|n| distinct::among(rows, present, n));
            }
            None => {
                distinct = distinct
                    .map(|n| distinct::among(rows * (1.0 - null_ratio), present, n.min(present)));
            }
        }
    }
    // A column of nothing but nulls has no width.
    let stored = if is_own { stored(column) } else { column.clone() };
    let width = Width::of(&stored)
        .or((null_ratio >= 1.0).then_some(Width::Fixed { bytes: 0, aligned: false }))?;
    Some(Key { width, align: alignment(column), null_ratio, distinct, common })
}

/// The server measures what an expression gives before it is stored: with the longer header of its own memory.
fn stored(expression: &Column) -> Column {
    let average_width = expression.average_width.map(|width| {
        let is_short =
            expression.length == -1 && expression.storage != "p" && width <= LONGEST_SHORT + 3;
        if is_short { width - 3 } else { width }
    });
    Column { average_width, ..expression.clone() }
}

/// Mean width of a tuple, aligned, and the bytes that may be off: nulls take no room but the bitmap they need.
fn tuple_width(keys: &[Key], included: &[Key]) -> (f64, f64) {
    let mut walk = Walk::start();
    let mut none_null = 1.0;
    for key in keys.iter().chain(included) {
        none_null *= 1.0 - key.null_ratio;
        walk = walk.with(key.width, key.align).or_null(&walk, key.null_ratio);
    }
    walk.align(8);
    let header = TUPLE_HEADER + 8.0 * (1.0 - none_null);
    let bytes = header + walk.bytes;
    // Without a mixture the sum is a multiple of eight already.
    let is_mixed = walk.doubt > 0.0 || (1e-9..1.0 - 1e-9).contains(&none_null);
    (if is_mixed { bytes } else { padded(bytes, 8.0) }, walk.doubt)
}

#[cfg(test)]
mod tests;
