//! From the keys that were asked to all keys, with the error of that.
//!
//! `SCAN` walks the key table in the order of a keyed hash of the names, which knows nothing of a key's pattern, size or
//! age: whatever part of it was walked is a random sample. So, within a pattern of N keys of which n were asked, the
//! total is `N · mean` with variance `N² (1 − n/N) s²/n` (Cochran, Sampling Techniques, 1977, 2.6–2.9). Where only
//! places of the table were drawn, a place is the unit and the number of keys is a ratio estimate over places, with
//! variance `(1 − f) / (m (m − 1) M̄²) · Σ (yᵢ − p Mᵢ)²` (ibid., 9A.2, 6.4).
//!
//! A key a hundred times larger than the rest of its pattern (or, of a pattern of which hardly any key was met, than keys
//! in general) stands for itself alone, with weight 1, not for the keys that were not asked: scaling it up would multiply chance (Hidiroglou and Srinath, Some estimators of a population
//! total from simple random samples containing large units, JASA 76, 1981). What such keys hide among those not asked
//! shows as a gap between the estimate and the server's own account of its memory.

use dbvitals_model::redis::KeyShare;

use super::tally::Tally;

/// The normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_964;

/// A key this many times larger than the mean of the others is no example of them.
const OUTLIER: f64 = 100.0;

/// … if it also is this share of all that was seen of the pattern.
const OUTLIER_SHARE: f64 = 0.1;

/// More such keys than this are no outliers, but how the pattern is.
const OUTLIERS: usize = 2;

/// How far the server's account of its keys is off, as a share of it.
const ACCOUNT_ERROR: f64 = 0.02;

/// Fewer keys than this say nothing about what is usual.
const USUAL: u64 = 30;

/// What the tallies were drawn from.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Frame {
    /// Keys there are.
    pub(crate) total: f64,
    /// Names seen, each once.
    pub(crate) named: f64,
    /// Every name was seen.
    pub(crate) is_whole: bool,
    /// Mean size of the keys asked, whatever their pattern.
    pub(crate) typical: f64,
    /// Where places were drawn: how many, and the sum of the squares of their keys.
    pub(crate) places: Option<(f64, f64)>,
}

/// An estimate with its variance, on the way to a [`KeyShare`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Part {
    keys: f64,
    keys_variance: f64,
    /// Quantile for 95 %.
    keys_quantile: f64,
    memory: f64,
    memory_variance: f64,
    memory_quantile: f64,
    /// What keys like those set apart may take beyond the estimate.
    hidden: f64,
}

/// What one pattern amounts to.
pub(crate) fn part(tally: &Tally, frame: &Frame) -> Part {
    let named = tally.named as f64;
    let ratio = if frame.named > 0.0 { named / frame.named } else { 0.0 };
    let total = if frame.is_whole { frame.named } else { frame.total.max(frame.named) };
    let keys = total * ratio;
    let (ratio_variance, design) = ratio_variance(tally, frame, ratio);
    let places = frame.places.map_or(f64::MAX, |(places, _)| places - 1.0);
    let asked = tally.asked as f64;
    let mut part = Part {
        keys,
        keys_variance: total * total * ratio_variance,
        keys_quantile: quantile(places),
        ..Part::default()
    };
    if asked < 1.0 {
        return part;
    }
    let is_census = asked + 0.5 >= keys;
    let outliers = if is_census { Vec::new() } else { outliers(tally, frame) };
    let set_apart: f64 = outliers.iter().sum();
    let apart = outliers.len() as f64;
    let rest = (asked - apart).max(1.0);
    let mean = if asked > apart { (tally.bytes - set_apart) / rest } else { 0.0 };
    let squares = tally.squares - outliers.iter().map(|size| size * size).sum::<f64>();
    let spread = if rest > 1.0 {
        ((squares - rest * mean * mean) / (rest - 1.0)).max(0.0)
    } else {
        // One key alone: it may be wrong by as much as itself.
        mean * mean
    };
    let others = (keys - apart).max(0.0);
    let missed = (1.0 - rest / others.max(1.0)).max(0.0);
    part.memory = set_apart + others * mean;
    part.memory_variance =
        others * others * missed * spread / rest * design + mean * mean * part.keys_variance;
    part.memory_quantile = quantile(tally.sizes.freedom(outliers.len()).min(places));
    if apart > 0.0 {
        part.hidden = set_apart / apart * (upper(apart) * keys / asked - apart).max(0.0);
    }
    part
}

/// So many keys were met by chance: at most this many were to be expected, at 97.5 % (Wilson and Hilferty's
/// approximation of the exact limit for a rare event).
fn upper(count: f64) -> f64 {
    let next = count + 1.0;
    next * (1.0 - 1.0 / (9.0 * next) + Z / (3.0 * next.sqrt())).powi(3)
}

/// The variance of a pattern's share of the keys, and how much worse it is than of keys drawn one by one.
fn ratio_variance(tally: &Tally, frame: &Frame, ratio: f64) -> (f64, f64) {
    if frame.is_whole || frame.named < 1.0 {
        return (0.0, 1.0);
    }
    let missed = (1.0 - frame.named / frame.total.max(frame.named)).max(0.0);
    // Few keys are counted worse than the normal curve has it.
    let few = (upper(tally.named as f64) - tally.named as f64) / Z / frame.named;
    let one_by_one = missed * (1.0 - ratio) * few * few;
    let (Some((count, squares)), Some(sums)) = (frame.places, tally.places) else {
        return (one_by_one, 1.0);
    };
    if count < 2.0 {
        return (one_by_one, 1.0);
    }
    let deviation = sums.squares - 2.0 * ratio * sums.products + ratio * ratio * squares;
    let mean = frame.named / count;
    let by_places = missed * deviation.max(0.0) / (count * (count - 1.0) * mean * mean);
    let design = if one_by_one > 0.0 { (by_places / one_by_one).max(1.0) } else { 1.0 };
    (by_places.max(one_by_one), design)
}

/// Sizes that stand for themselves alone.
fn outliers(tally: &Tally, frame: &Frame) -> Vec<f64> {
    if tally.asked <= USUAL && !frame.is_whole {
        // Too few to tell what is usual in the pattern: one that was met by chance is judged by what is usual at all.
        let is_huge = |size: &f64| frame.typical > 0.0 && *size > OUTLIER * frame.typical;
        let found: Vec<f64> = tally.largest.iter().map(|it| *it as f64).filter(is_huge).collect();
        return if found.len() > OUTLIERS { Vec::new() } else { found };
    }
    let mut found = Vec::new();
    let (mut rest, mut count) = (tally.bytes, tally.asked);
    for size in &tally.largest {
        let size = *size as f64;
        if count <= USUAL {
            break;
        }
        let mean = (rest - size) / (count - 1) as f64;
        if size <= OUTLIER * mean || size <= OUTLIER_SHARE * tally.bytes {
            break;
        }
        found.push(size);
        rest -= size;
        count -= 1;
    }
    if found.len() > OUTLIERS { Vec::new() } else { found }
}

/// Student's quantile for a two-sided 95 % interval (Cornish and Fisher's expansion); 0 degrees give 12.7, as one does.
fn quantile(degrees: f64) -> f64 {
    if degrees <= 2.0 {
        return if degrees > 1.5 { 4.303 } else { 12.706 };
    }
    let cubic = (Z.powi(3) + Z) / 4.0;
    let quintic = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0;
    Z + cubic / degrees + quintic / (degrees * degrees)
}

/// What all keys must take together, as far as that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    /// By the server's own account, in bytes.
    pub(crate) expected: f64,
    /// Shares are of it, and not of the sum of the parts: keys are missing that much of the memory belongs to.
    pub(crate) is_whole: bool,
}

/// The parts beside each other: shares of the memory need all of them.
pub(crate) fn shares(parts: &[Part], account: Option<Account>) -> Vec<KeyShare> {
    let sum: f64 = parts.iter().map(|part| part.memory).sum();
    let variance: f64 = parts.iter().map(|part| part.memory_variance).sum();
    // What no key seen accounts for: it may belong to any keys like those set apart.
    let gap = account.map(|it| (it.expected - sum).max(0.0));
    let is_whole = account.is_some_and(|it| it.is_whole);
    let memory = if is_whole { sum + gap.unwrap_or(0.0) } else { sum };
    let share = |part: &Part| {
        let ratio = if memory > 0.0 { part.memory / memory } else { 0.0 };
        let hidden = part.hidden.min(gap.unwrap_or(f64::MAX));
        let others = (variance - part.memory_variance).max(0.0);
        let (own, whole) = if is_whole {
            (part.memory_variance, ACCOUNT_ERROR)
        } else {
            let own = (1.0 - ratio) * (1.0 - ratio) * part.memory_variance + ratio * ratio * others;
            // The sum of the parts is not all there is, by so much.
            (own, gap.map_or(0.0, |gap| if gap > 0.0 { gap / (sum + gap) } else { 0.0 }))
        };
        let ratio_margin = if memory > 0.0 {
            (part.memory_quantile * own.sqrt() + hidden) / memory + ratio * whole
        } else {
            0.0
        };
        KeyShare {
            keys: part.keys,
            keys_margin: part.keys_quantile * part.keys_variance.sqrt(),
            memory_bytes: part.memory,
            memory_margin_bytes: part.memory_quantile * part.memory_variance.sqrt() + hidden,
            memory_ratio: ratio,
            memory_ratio_margin: ratio_margin.min(ratio.max(1.0 - ratio)),
        }
    };
    parts.iter().map(share).collect()
}

/// Memory of all parts, and its margin.
pub(crate) fn memory(parts: &[Part]) -> (f64, f64) {
    let variance: f64 = parts.iter().map(|part| part.memory_variance).sum();
    (parts.iter().map(|part| part.memory).sum(), Z * variance.sqrt())
}

/// What the keys of a server must take together by its own account.
///
/// `MEMORY USAGE` counts the table entry and the object of a key, which `used_memory_dataset` leaves to the overhead:
/// 24 + 16 bytes a key, less 8 that the allocator rounds each entry up by (main table and expiries alike), which stay in
/// the dataset and belong to no key. Versions differ by a few bytes a key.
pub(crate) fn expected(dataset_bytes: f64, keys: f64, expiring: f64) -> f64 {
    (dataset_bytes + 32.0 * keys - 8.0 * expiring).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::tally::{Details, Places};

    fn tally(sizes: impl IntoIterator<Item = i64>, named: u64) -> Tally {
        let mut tally = Tally::default();
        for size in sizes {
            tally.details(Details { memory_bytes: size, ..Details::default() });
        }
        tally.named = named;
        tally
    }

    fn whole(named: f64) -> Frame {
        Frame { total: named, named, is_whole: true, ..Frame::default() }
    }

    fn one(tally: &Tally, frame: &Frame) -> KeyShare {
        shares(&[part(tally, frame)], None).remove(0)
    }

    #[test]
    fn a_census_has_no_error() {
        let share = one(&tally([10, 20, 30], 3), &whole(3.0));
        assert_eq!((share.keys, share.keys_margin), (3.0, 0.0));
        assert_eq!((share.memory_bytes, share.memory_margin_bytes), (60.0, 0.0));
        assert_eq!((share.memory_ratio, share.memory_ratio_margin), (1.0, 0.0));
    }

    #[test]
    fn a_part_is_scaled_up_with_its_margin() {
        let share = one(&tally((0..100).map(|n| 100 + n % 2 * 100), 10_000), &whole(10_000.0));
        assert!((share.memory_bytes - 1_500_000.0).abs() < 1.0);
        // 10 000 · 1.98 · 50.25 / √100 · √0.99
        assert!((share.memory_margin_bytes - 99_200.0).abs() < 600.0, "{share:?}");
    }

    #[test]
    fn a_rare_huge_key_stands_for_itself() {
        let sizes = || (0..999).map(|_| 100).chain([4_000_000]);
        let share = one(&tally(sizes(), 1_000_000), &whole(1_000_000.0));
        assert!((share.memory_bytes - 104_000_000.0).abs() < 1000.0, "{share:?}");
        let census = one(&tally(sizes(), 1000), &whole(1000.0));
        assert!((census.memory_bytes - 4_099_900.0).abs() < 1.0, "seen, not scaled");
        let common = (0..990).map(|_| 100).chain((0..10).map(|_| 4_000_000));
        let share = one(&tally(common, 1_000_000), &whole(1_000_000.0));
        assert!(share.memory_bytes > 39e9, "one in a hundred is how the pattern is: {share:?}");
    }

    #[test]
    fn a_huge_key_met_by_chance_is_not_multiplied() {
        let frame = Frame { total: 2e6, named: 20_000.0, typical: 600.0, ..Frame::default() };
        let share = one(&tally([5_000_000], 1), &frame);
        assert!((share.memory_bytes - 5_000_000.0).abs() < 1.0, "{share:?}");
        assert!((share.keys - 100.0).abs() < 1e-6 && share.keys_margin > 100.0, "{share:?}");
        let many = one(&tally([5_000_000; 20], 20), &frame);
        assert!(many.memory_bytes > 9e9, "twenty of them are no chance: {many:?}");
    }

    #[test]
    fn shares_are_of_what_is_known_to_be_there() {
        let parts = [part(&tally([60], 1), &whole(1.0)), part(&tally([40], 1), &whole(1.0))];
        let ratios = |known: Option<f64>| {
            let account = known.map(|expected| Account { expected, is_whole: true });
            shares(&parts, account).iter().map(|it| it.memory_ratio).collect::<Vec<_>>()
        };
        assert_eq!(ratios(None), [0.6, 0.4]);
        assert_eq!(ratios(Some(200.0)), [0.3, 0.2]);
        assert_eq!(ratios(Some(50.0)), [0.6, 0.4], "never more than the whole");
    }

    #[test]
    fn keys_of_an_unfinished_walk_are_a_share_of_the_total() {
        let frame = Frame { total: 100_000.0, named: 1000.0, ..Frame::default() };
        let share = one(&tally((0..300).map(|_| 10), 300), &frame);
        assert!((share.keys - 30_000.0).abs() < 1e-6);
        // 100 000 · (upper limit of 300 − 300) / 1000 · √(0.7 · 0.99); the normal curve gives 2826
        assert!((share.keys_margin - 2990.0).abs() < 30.0, "{share:?}");
    }

    #[test]
    fn places_that_differ_widen_the_margin() {
        let mut even = tally((0..500).map(|_| 10), 500);
        even.places = Some(Places { here: 0, squares: 50.0 * 100.0, products: 50.0 * 10.0 * 20.0 });
        let frame = Frame {
            total: 1e6,
            named: 1000.0,
            places: Some((50.0, 50.0 * 400.0)),
            ..Frame::default()
        };
        let mut torn = even.clone();
        // Half of the places hold nothing but the pattern, half nothing of it.
        torn.places = Some(Places { here: 0, squares: 25.0 * 400.0, products: 25.0 * 400.0 });
        let (even, torn) = (one(&even, &frame), one(&torn, &frame));
        assert!((even.keys - torn.keys).abs() < 1e-6);
        assert!(torn.keys_margin > 4.0 * even.keys_margin, "{even:?} {torn:?}");
    }

    #[test]
    fn student_s_quantiles() {
        for (degrees, expected) in
            [(1.0, 12.706), (2.0, 4.303), (5.0, 2.571), (30.0, 2.042), (1e6, 1.96)]
        {
            assert!(
                (quantile(degrees) - expected).abs() < 0.03,
                "{degrees}: {}",
                quantile(degrees)
            );
        }
    }

    /// Draws of a known population: the interval covers the truth about as often as it says.
    #[test]
    fn the_interval_covers_the_truth() {
        let mut state = 7_u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        };
        let population: Vec<i64> =
            (0..20_000).map(|_| i64::try_from(50 + random() % 900).unwrap()).collect();
        let truth: i64 = population.iter().sum();
        let covered = (0..400).filter(|_| {
            let drawn =
                (0..200).map(|_| population[usize::try_from(random()).unwrap() % population.len()]);
            let share = one(&tally(drawn.collect::<Vec<_>>(), 20_000), &whole(20_000.0));
            (share.memory_bytes - truth as f64).abs() <= share.memory_margin_bytes
        });
        let covered = covered.count();
        assert!((360..=396).contains(&covered), "{covered} of 400");
    }
}
