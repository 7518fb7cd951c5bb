//! Durations in a fixed number of buckets whose width grows with the value: percentiles within about 3 %.

use dbvitals_model::log::Bucket;

/// Buckets an octave.
const STEPS: usize = 16;
const STEP_BITS: u32 = 4;
/// Octaves above the first sixteen microseconds: up to about 50 days.
const OCTAVES: usize = 38;
const BUCKETS: usize = STEPS * (OCTAVES + 1);

/// A histogram of microseconds. Takes no memory before the first value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    total: u64,
}

fn place(micros: u64) -> usize {
    let steps = STEPS as u64;
    if micros < steps {
        return usize::try_from(micros).unwrap_or(0);
    }
    let octave = micros.ilog2() - STEP_BITS;
    let step = (micros >> octave) - steps;
    let place = (octave as usize + 1) * STEPS + usize::try_from(step).unwrap_or(0);
    place.min(BUCKETS - 1)
}

/// First value of a bucket and the first behind it.
fn bounds(place: usize) -> (u64, u64) {
    if place < STEPS {
        return (place as u64, place as u64 + 1);
    }
    let octave = place / STEPS - 1;
    let step = (place % STEPS + STEPS) as u64;
    (step << octave, (step + 1) << octave)
}

impl Histogram {
    /// Adds a value.
    #[inline]
    pub(crate) fn add(&mut self, micros: i64) {
        if self.counts.is_empty() {
            self.counts = vec![0; BUCKETS];
        }
        let bucket = &mut self.counts[place(micros.max(0).unsigned_abs())];
        *bucket = bucket.saturating_add(1);
        self.total += 1;
    }

    /// Adds the values of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.clone_from(other);
            return;
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        self.total += other.total;
    }

    /// The value below which a share of the values lies, in milliseconds.
    pub(crate) fn percentile_ms(&self, share: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        let wanted = share * self.total as f64;
        let mut seen = 0_u64;
        for (place, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let before = seen as f64;
            seen += u64::from(*count);
            if seen as f64 >= wanted {
                let (from, to) = bounds(place);
                let within = (wanted - before) / f64::from(*count);
                return Some((from as f64 + (to - from) as f64 * within) / 1000.0);
            }
        }
        None
    }

    /// The histogram by octaves, for people: values below each limit.
    pub(crate) fn buckets(&self) -> Vec<Bucket> {
        let mut buckets: Vec<Bucket> = Vec::new();
        for (place, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (_, top) = bounds((place / STEPS) * STEPS + STEPS - 1);
            let below_ms = top as f64 / 1000.0;
            match buckets.last_mut() {
                Some(last) if last.below_ms >= below_ms => last.count += i64::from(*count),
                _ => buckets.push(Bucket { below_ms, count: i64::from(*count) }),
            }
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_touch_and_hold_their_values() {
        for at in 0..BUCKETS - 1 {
            let (from, to) = bounds(at);
            assert_eq!(bounds(at + 1).0, to);
            assert_eq!((place(from), place(to - 1)), (at, at));
        }
        assert_eq!(place(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Histogram::default().percentile_ms(0.5), None);
        assert_eq!(Histogram::default().buckets(), []);
    }

    proptest! {
        #[test]
        fn percentiles_are_near_the_exact_ones(
            mut values in prop::collection::vec(0_i64..100_000_000, 1..300), permille in 10_usize..999
        ) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.add(*value);
            }
            values.sort_unstable();
            let rank = (permille * values.len()).div_ceil(1000);
            let share = permille as f64 / 1000.0;
            let exact = values[rank.max(1) - 1] as f64 / 1000.0;
            let read = histogram.percentile_ms(share).unwrap();
            prop_assert!((read - exact).abs() <= exact * 0.07 + 0.002, "{read} for {exact}");
            let counted: i64 = histogram.buckets().iter().map(|bucket| bucket.count).sum();
            prop_assert_eq!(usize::try_from(counted).unwrap(), values.len());
        }
    }
}
