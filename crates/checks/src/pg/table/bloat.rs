//! How many pages a table would take if it were written afresh, from the planner's statistics.
//!
//! Rows are laid out as the server lays them out: columns in the order of their numbers, each at the
//! alignment of its type, behind a header of 23 bytes and, where something is null, a bitmap; pages of a
//! header, item pointers and rows, less what `fillfactor` keeps free on purpose. Values moved to the TOAST
//! table count as the pointer they left behind, which is how the average widths count them.

use dbvitals_model::pg::schema::Column;

const PAGE_HEADER: f64 = 24.0;
const ITEM_POINTER: f64 = 4.0;
const ROW_HEADER: f64 = 23.0;
/// Rows and their headers begin at multiples of this.
const ROW_ALIGNMENT: usize = 8;
/// Longest value stored with a header of one byte, which needs no alignment, that header included.
const LONGEST_SHORT: f64 = 127.0;

/// What is known of a table's main fork.
#[derive(Debug, Clone, Copy)]
pub struct Heap<'a> {
    /// Live rows.
    pub rows: f64,
    /// How wrong that number may be, as a share of it.
    pub rows_doubt: f64,
    /// Pages of the main fork.
    pub pages: f64,
    /// Bytes of a page.
    pub page_bytes: f64,
    /// Percent of a page that inserts may fill, 10 to 100.
    pub fillfactor: f64,
    /// Rows changed since the widths were sampled, as a share of all.
    pub changed: f64,
    /// Columns in the order of their numbers, dropped ones included.
    pub columns: &'a [&'a Column],
}

/// How much of a table is air.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Pages a fresh copy would take.
    pub needed_pages: f64,
    /// Share of the pages there are that a fresh copy would not take; 0 to 1.
    pub ratio: f64,
    /// Bytes a fresh copy would not take.
    pub wasted_bytes: f64,
    /// The ratio may be this much higher or lower.
    pub error: f64,
    /// How far to trust it.
    pub confidence: Confidence,
    /// What lowers the confidence.
    pub reasons: Vec<String>,
}

/// How far to trust an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "three words that mean what they say")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    /// The lowercase word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Estimates a table; `None` where no column has statistics, or there is nothing to divide by.
pub fn estimate(heap: &Heap<'_>) -> Option<Estimate> {
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
    let needed = (heap.rows.max(0.0) / per_page).ceil().min(heap.pages);
    let rest = if row.is_exact { 0.0 } else { 0.25 / per_page };
    let drift = 0.1 * heap.changed.clamp(0.0, 3.0);
    let doubt = row.doubt / slot + rest + drift + heap.rows_doubt.max(0.0) + 0.005;
    let error = (doubt * needed / heap.pages).min(1.0);
    let (confidence, reasons) = trust(heap, &row, error);
    Some(Estimate {
        needed_pages: needed,
        ratio: 1.0 - needed / heap.pages,
        wasted_bytes: (heap.pages - needed) * heap.page_bytes,
        error,
        confidence,
        reasons,
    })
}

fn trust(heap: &Heap<'_>, row: &Row, error: f64) -> (Confidence, Vec<String>) {
    let mut reasons = Vec::new();
    let mut confidence = match error {
        e if e <= 0.03 => Confidence::High,
        e if e <= 0.1 => Confidence::Medium,
        _ => Confidence::Low,
    };
    if heap.changed > 0.2 {
        reasons.push("many rows changed since the widths were sampled".to_owned());
        let most = if heap.changed > 1.0 { Confidence::Low } else { Confidence::Medium };
        confidence = confidence.min(most);
    }
    if heap.rows_doubt > 0.05 {
        reasons.push("the number of rows is uncertain".to_owned());
    }
    if row.unknown > 0 {
        reasons.push(format!("{} columns have no statistics", row.unknown));
        confidence = Confidence::Low;
    }
    if !row.is_exact && row.bytes > heap.page_bytes / 8.0 {
        reasons.push("rows are wide and of many sizes".to_owned());
        confidence = confidence.min(Confidence::Medium);
    }
    if confidence < Confidence::High && reasons.is_empty() {
        reasons.push("widths are averages, padding between columns is guessed".to_owned());
    }
    (confidence, reasons)
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
                is_exact &= matches!(width, Width::Fixed { .. });
                walk = walk.with(width, alignment(column)).or_null(&walk, null);
            }
        }
        walk.align(ROW_ALIGNMENT);
        let bitmap = columns.iter().map(|column| column.number).max().unwrap_or(0).max(0) as f64;
        let header = padded(ROW_HEADER) * without_null
            + padded(ROW_HEADER + (bitmap / 8.0).ceil()) * (1.0 - without_null);
        Self { bytes: header + walk.bytes, is_exact, doubt: walk.doubt, unknown }
    }
}

/// The share of nulls; a column added after the last analyze is null in the rows there are.
fn null_ratio(column: &Column) -> f64 {
    let unknown = if column.is_not_null { 0.0 } else { 1.0 };
    column.null_ratio.unwrap_or(unknown).clamp(0.0, 1.0)
}

fn padded(bytes: f64) -> f64 {
    (bytes / 8.0).ceil() * 8.0
}

fn alignment(column: &Column) -> usize {
    match column.alignment.as_str() {
        "d" => 8,
        "i" => 4,
        "s" => 2,
        _ => 1,
    }
}

/// How a value is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Width {
    /// So many bytes, aligned or not.
    Fixed { bytes: usize, aligned: bool },
    /// So many bytes on average.
    Varying { bytes: f64, aligned: bool },
}

impl Width {
    /// `None` where nothing says how wide it is.
    fn of(column: &Column) -> Option<Self> {
        if let Ok(bytes) = usize::try_from(column.length)
            && bytes > 0
        {
            return Some(Self::Fixed { bytes, aligned: true });
        }
        let average = column.average_width?.max(0) as f64;
        let short = average <= LONGEST_SHORT && column.storage != "p";
        if short && column.type_name == format!("character({})", average - 1.0) {
            let bytes = usize::try_from(column.average_width?).ok()?;
            return Some(Self::Fixed { bytes, aligned: false });
        }
        // The server cuts the fraction off its averages.
        Some(Self::Varying { bytes: average + 0.5, aligned: !short && column.length == -1 })
    }
}

/// Bytes so far, and how likely each offset from a multiple of eight is.
#[derive(Debug, Clone)]
struct Walk {
    bytes: f64,
    at: [f64; 8],
    /// Offsets follow a value of unknown exact width: padding is a guess.
    is_guess: bool,
    doubt: f64,
}

impl Walk {
    fn start() -> Self {
        let mut at = [0.0; 8];
        at[0] = 1.0;
        Self { bytes: 0.0, at, is_guess: false, doubt: 0.0 }
    }

    fn with(&self, width: Width, alignment: usize) -> Self {
        let mut next = self.clone();
        let aligned = match width {
            Width::Fixed { aligned, .. } | Width::Varying { aligned, .. } => aligned,
        };
        if aligned {
            next.align(alignment);
        }
        match width {
            Width::Fixed { bytes, .. } => {
                next.bytes += bytes as f64;
                next.at.rotate_right(bytes % 8);
            }
            Width::Varying { bytes, .. } => {
                next.bytes += bytes;
                next.at = [0.125; 8];
                next.is_guess = true;
                next.doubt += 0.25;
            }
        }
        next
    }

    /// The same where a share of the rows has nothing here.
    fn or_null(mut self, before: &Self, null: f64) -> Self {
        self.bytes = self.bytes * (1.0 - null) + before.bytes * null;
        self.doubt = self.doubt * (1.0 - null) + before.doubt * null;
        for (present, absent) in self.at.iter_mut().zip(before.at) {
            *present = *present * (1.0 - null) + absent * null;
        }
        self
    }

    fn align(&mut self, to: usize) {
        let mut next = [0.0; 8];
        for (offset, share) in self.at.iter().enumerate() {
            let padding = (to - offset % to) % to;
            self.bytes += share * padding as f64;
            next[(offset + padding) % 8] += share;
        }
        if self.is_guess {
            self.doubt += (to - 1) as f64 / 4.0;
        }
        self.is_guess &= next.iter().all(|share| *share < 1.0 - 1e-9);
        self.at = next;
    }
}

#[cfg(test)]
mod tests;
