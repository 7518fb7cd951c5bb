//! Which cursor `SCAN` is given next.

/// The cursors of one database.
#[derive(Debug, Clone)]
pub(crate) enum Course {
    /// From a cursor on to the end.
    Walk(u64),
    /// A few places, evenly spread over the key table from a random start.
    Places { next: u32, count: u32, start: f64 },
    /// The end.
    Over,
}

/// Bits of a cursor: more than any key table has.
const BITS: u32 = 40;

impl Course {
    /// `count` places; `seed` chooses where the first one is.
    pub(crate) fn places(count: u32, seed: u64) -> Self {
        let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self::Places { next: 0, count: count.max(1), start: (mixed >> 11) as f64 / 2_f64.powi(53) }
    }

    /// The cursor to send now.
    pub(crate) fn cursor(&self) -> Option<u64> {
        match self {
            Self::Walk(cursor) => Some(*cursor),
            Self::Places { next, count, start } if next < count => {
                Some(at((f64::from(*next) + start) / f64::from(*count)))
            }
            _ => None,
        }
    }

    /// `SCAN` answered with this cursor.
    pub(crate) fn answered(&mut self, cursor: u64) {
        *self = match self {
            Self::Walk(_) if cursor > 0 => Self::Walk(cursor),
            Self::Places { next, count, start } => {
                Self::Places { next: *next + 1, count: *count, start: *start }
            }
            _ => Self::Over,
        };
    }
}

/// The cursor of a place: cursors count in the bits' reverse order, whatever the size of the table.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of 1 in 40 bits"
)]
fn at(share: f64) -> u64 {
    let position = (share.clamp(0.0, 1.0) * 2_f64.powi(40)) as u64;
    (position.min((1 << BITS) - 1) << (64 - BITS)).reverse_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_ends_at_zero() {
        let mut course = Course::Walk(0);
        assert_eq!(course.cursor(), Some(0));
        course.answered(17);
        assert_eq!(course.cursor(), Some(17));
        course.answered(0);
        assert_eq!(course.cursor(), None);
    }

    #[test]
    fn places_are_spread_evenly_over_a_table_of_any_size() {
        for bits in [4_u32, 12, 20] {
            let mut course = Course::places(16, 42);
            let mut positions = Vec::new();
            while let Some(cursor) = course.cursor() {
                let bucket = cursor & ((1 << bits) - 1);
                let position = bucket.reverse_bits() >> (64 - bits);
                positions.push(position >> (bits - 4));
                course.answered(0);
            }
            positions.sort_unstable();
            assert_eq!(positions, (0..16).collect::<Vec<_>>());
        }
    }

    #[test]
    fn another_seed_is_another_place() {
        assert_ne!(Course::places(10, 1).cursor(), Course::places(10, 2).cursor());
    }
}
