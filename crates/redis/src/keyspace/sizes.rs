//! How sizes are spread: counts by quarter octave, so that percentiles are right within a tenth.

use serde::{Deserialize, Serialize};

/// Buckets an octave.
const STEPS: f64 = 4.0;

/// Counts of sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sizes {
    counts: Vec<u32>,
}

impl Sizes {
    /// Counts a size in bytes.
    pub(crate) fn add(&mut self, bytes: i64) {
        let bucket = bucket(bytes);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds the counts of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
    }

    /// Degrees of freedom of the variance of these sizes, but for the `apart` largest: `2n / (k − 1)`, `k` being the
    /// kurtosis (Satterthwaite's approximation). A few large sizes among many small ones carry most of the variance,
    /// which is known as badly then as those are few.
    pub(crate) fn freedom(&self, apart: usize) -> f64 {
        let mut left: f64 = self.counts.iter().map(|count| f64::from(*count)).sum();
        left -= apart as f64;
        let all = left;
        let mut kept = Vec::with_capacity(self.counts.len());
        for (bucket, count) in self.counts.iter().enumerate() {
            let count = f64::from(*count).min(left);
            left -= count;
            kept.push((middle(bucket) as f64, count));
        }
        let mean = kept.iter().map(|(size, count)| size * count).sum::<f64>() / all;
        let moment = |power: i32| {
            kept.iter().map(|(size, count)| count * (size - mean).powi(power)).sum::<f64>() / all
        };
        let variance = moment(2);
        let excess = moment(4) / (variance * variance) - 1.0;
        // All of one size, or one or two keys.
        let freedom =
            if excess.is_finite() && excess > 0.0 { 2.0 * all / excess } else { f64::MAX };
        freedom.min(all - 1.0).max(0.0)
    }

    /// The size below which this share of all sizes lies; 0 when there are none.
    pub(crate) fn percentile(&self, share: f64) -> i64 {
        let all: f64 = self.counts.iter().map(|count| f64::from(*count)).sum();
        let mut below = 0.0;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += f64::from(*count);
            if *count > 0 && below >= share * all {
                return middle(bucket);
            }
        }
        0
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 4 × 63 for any size"
)]
fn bucket(bytes: i64) -> usize {
    ((bytes.max(1) as f64).log2() * STEPS).floor() as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a size that was an integer before")]
fn middle(bucket: usize) -> i64 {
    ((bucket as f64 + 0.5) / STEPS).exp2().round() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_that_are_alike_leave_more_freedom_than_a_few_large_ones() {
        let of = |sizes: &[i64]| {
            let mut all = Sizes::default();
            for size in sizes {
                all.add(*size);
            }
            all
        };
        let even: Vec<i64> = (0..200).map(|n| 500 + 5 * n).collect();
        assert!((190.0..=199.0).contains(&of(&even).freedom(0)), "{}", of(&even).freedom(0));
        let skewed: Vec<i64> = (0..200).map(|n| if n < 2 { 50_000 } else { 100 }).collect();
        assert!(of(&skewed).freedom(0) < 5.0, "{}", of(&skewed).freedom(0));
        assert!((of(&skewed).freedom(2) - 197.0).abs() < 1e-9, "the rest is of one size");
        assert!(of(&[7]).freedom(0).abs() < 1e-9 && Sizes::default().freedom(0).abs() < 1e-9);
    }

    #[test]
    fn percentiles_of_a_known_spread() {
        let mut sizes = Sizes::default();
        for bytes in 1..=1000 {
            sizes.add(bytes);
        }
        assert!((450..=550).contains(&sizes.percentile(0.5)), "{}", sizes.percentile(0.5));
        assert!((900..=1100).contains(&sizes.percentile(0.99)), "{}", sizes.percentile(0.99));
        assert_eq!(Sizes::default().percentile(0.5), 0);
    }

    proptest! {
        #[test]
        fn a_percentile_of_one_size_is_near_it(bytes in 1_i64..1_000_000_000_000) {
            let mut sizes = Sizes::default();
            sizes.add(bytes);
            let ratio = sizes.percentile(0.5) as f64 / bytes as f64;
            prop_assert!((0.5..=2.0).contains(&ratio) && (bytes < 16 || (0.89..=1.12).contains(&ratio)), "{ratio}");
        }
    }
}
