//! How values lie one after the other in a row: each at the alignment of its type, nulls nowhere.
//!
//! Where a value's exact width is not known, the offset behind it is a distribution over the residues of
//! eight, so that padding before the next value, and at the end, is an expectation and not a guess.

use dbvitals_model::pg::schema::Column;

/// Longest value stored with a header of one byte, which needs no alignment, that header included.
const LONGEST_SHORT: f64 = 127.0;

/// Shares of the eight offsets from a multiple of eight.
type Offsets = [f64; 8];

const EVEN: Offsets = [0.125; 8];

/// Rounds up to a multiple.
pub(super) fn padded(bytes: f64, to: f64) -> f64 {
    (bytes / to).ceil() * to
}

/// The alignment of a column's type in bytes.
pub(super) fn alignment(column: &Column) -> usize {
    match column.alignment.as_str() {
        "d" => 8,
        "i" => 4,
        "s" => 2,
        _ => 1,
    }
}

/// How a value is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Width {
    /// So many bytes, aligned or not.
    Fixed { bytes: usize, aligned: bool },
    /// So many bytes on average; the residues of the widths where they are known.
    Varying { bytes: f64, aligned: bool, residues: Option<Offsets> },
}

impl Width {
    /// `None` where nothing says how wide it is.
    pub(super) fn of(column: &Column) -> Option<Self> {
        if let Ok(bytes) = usize::try_from(column.length)
            && bytes > 0
        {
            return Some(Self::Fixed { bytes, aligned: true });
        }
        let whole = column.average_width?.max(0);
        let average = whole as f64;
        let short = average <= LONGEST_SHORT && column.storage != "p";
        let residues = residues(column);
        let bytes = usize::try_from(whole).unwrap_or(0);
        let is_one_size = |residues: Offsets| residues[bytes % 8] > 0.999;
        if short
            && (residues.is_some_and(is_one_size)
                || column.type_name == format!("character({})", average - 1.0))
        {
            return Some(Self::Fixed { bytes, aligned: false });
        }
        // The server cuts the fraction off its averages.
        let aligned = !short && column.length == -1;
        Some(Self::Varying { bytes: average + 0.5, aligned, residues })
    }

    /// Every value has this width.
    pub(super) fn is_fixed(self) -> bool {
        matches!(self, Self::Fixed { .. })
    }
}

fn residues(column: &Column) -> Option<Offsets> {
    let sum = column.width_residues.iter().map(|share| (*share).max(0)).sum::<i64>() as f64;
    if column.width_residues.len() != 8 || sum < 1.0 {
        return None;
    }
    let mut residues = [0.0; 8];
    for (residue, share) in residues.iter_mut().zip(&column.width_residues) {
        *residue = (*share).max(0) as f64 / sum;
    }
    Some(residues)
}

/// Bytes so far, and how likely each offset from a multiple of eight is.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Mean of the bytes.
    pub(super) bytes: f64,
    /// Bytes the mean may be off.
    pub(super) doubt: f64,
    at: Offsets,
    /// Offsets follow a value of unknown exact width: padding is a guess.
    is_guess: bool,
}

impl Walk {
    /// At a multiple of eight.
    pub(super) fn start() -> Self {
        let mut at = [0.0; 8];
        at[0] = 1.0;
        Self { bytes: 0.0, at, is_guess: false, doubt: 0.0 }
    }

    /// One value further.
    pub(super) fn with(&self, width: Width, alignment: usize) -> Self {
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
            Width::Varying { bytes, residues: Some(residues), .. } => {
                next.bytes += bytes;
                next.at = after(&next.at, &residues);
                next.doubt += 0.3;
            }
            Width::Varying { bytes, .. } => {
                next.bytes += bytes;
                next.at = EVEN;
                next.is_guess = true;
                next.doubt += 0.25;
            }
        }
        next
    }

    /// The same where a share of the rows has nothing here.
    pub(super) fn or_null(mut self, before: &Self, null: f64) -> Self {
        self.bytes = self.bytes * (1.0 - null) + before.bytes * null;
        self.doubt = self.doubt * (1.0 - null) + before.doubt * null;
        for (present, absent) in self.at.iter_mut().zip(before.at) {
            *present = *present * (1.0 - null) + absent * null;
        }
        self
    }

    /// Padded to a multiple.
    pub(super) fn align(&mut self, to: usize) {
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

/// Offsets behind values of these residues.
fn after(at: &Offsets, residues: &Offsets) -> Offsets {
    let mut next = [0.0; 8];
    for (offset, share) in at.iter().enumerate() {
        for (residue, part) in residues.iter().enumerate() {
            next[(offset + residue) % 8] += share * part;
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(width: i64, residues: &[i64]) -> Column {
        Column {
            length: -1,
            average_width: Some(width),
            alignment: "i".into(),
            storage: "x".into(),
            width_residues: residues.to_vec(),
            ..Column::default()
        }
    }

    #[test]
    fn texts_of_one_width_are_as_sure_as_integers() {
        let md5 = Width::of(&text(33, &[0, 1000, 0, 0, 0, 0, 0, 0])).unwrap();
        assert_eq!(md5, Width::Fixed { bytes: 33, aligned: false });
        // The same residue, another average: widths differ by eights.
        let mixed = Width::of(&text(36, &[0, 1000, 0, 0, 0, 0, 0, 0])).unwrap();
        assert!(!mixed.is_fixed());
        let mut walk = Walk::start().with(mixed, 4);
        walk.align(8);
        assert!((walk.bytes - 43.5).abs() < 1e-9, "seven bytes of padding each: {}", walk.bytes);
    }

    #[test]
    fn padding_is_that_of_the_widths_seen() {
        let halves = Width::of(&text(11, &[0, 0, 0, 500, 500, 0, 0, 0])).unwrap();
        let mut walk = Walk::start().with(halves, 4);
        walk.align(8);
        assert!((walk.bytes - (11.5 + 4.5)).abs() < 1e-9, "{}", walk.bytes);
        let unknown = Width::of(&text(11, &[0; 8])).unwrap();
        assert!(matches!(unknown, Width::Varying { residues: None, .. }));
    }
}
