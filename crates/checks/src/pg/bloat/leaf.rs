//! How many leaf pages a B-tree build takes.
//!
//! A build (`nbtsort.c`) appends tuples to a page until less than the fill factor's reserve is free, then moves
//! the last tuple to the next page and keeps a truncated copy as the high key. Equal keys are folded into lists
//! of row pointers of at most a tenth of a page. Pages are filled here as they are there, tuple by tuple, over a
//! sample of tuples.

/// Page header (24), special space (16), and the pointer of the high key.
const PAGE_OVERHEAD: f64 = 44.0;
const ITEM_POINTER: f64 = 4.0;
const ROW_POINTER: f64 = 6.0;
/// Tuples laid down to learn how many fill a page.
const SAMPLE: usize = 6000;
/// Repetitions from which their number hardly varies from value to value.
const REGULAR: f64 = 60.0;

/// Rows whose keys behave alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Group {
    pub(super) rows: f64,
    /// Different keys among them.
    pub(super) distinct: f64,
    /// Mean bytes of a tuple with one row pointer, aligned.
    pub(super) width: f64,
    /// Every tuple has that width.
    pub(super) is_one_width: bool,
}

/// The pages a build offers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pages {
    pub(super) bytes: f64,
    /// Bytes that stay free on each.
    pub(super) reserve: f64,
    /// Whether equal keys are folded.
    pub(super) folds: bool,
}

impl Pages {
    /// Pages filled to so many percent.
    pub(super) fn filled(bytes: f64, fillfactor: f64, folds: bool) -> Self {
        let reserve = (bytes * (100.0 - fillfactor.clamp(10.0, 100.0)) / 100.0).floor();
        Self { bytes, reserve, folds }
    }

    /// Leaf pages for these groups, a fraction included.
    pub(super) fn needed(&self, groups: &[Group]) -> f64 {
        groups.iter().map(|group| self.of_group(group)).sum()
    }

    fn of_group(&self, group: &Group) -> f64 {
        if group.rows < 1.0 {
            return 0.0;
        }
        let distinct = group.distinct.clamp(1.0, group.rows);
        let repeats = group.rows / distinct;
        let per_list = self.per_list(group.width);
        if !self.folds || repeats < 1.02 || per_list < 2.0 {
            return group.rows / self.per_page(group);
        }
        self.folded(group.width, repeats, per_list) * group.rows
    }

    /// Unfolded tuples on a page, as many as a build lays down.
    pub(super) fn per_page(&self, group: &Group) -> f64 {
        let slot = group.width + ITEM_POINTER;
        let room = self.bytes - PAGE_OVERHEAD - ITEM_POINTER - self.reserve;
        let fit = room / slot;
        // Tuples of one size leave the same rest on every page; others leave half a tuple on average.
        (if group.is_one_width { fit.floor() } else { fit - 0.5 }).max(1.0)
    }

    /// Most row pointers in one list.
    fn per_list(&self, width: f64) -> f64 {
        let most = (self.bytes * 0.1 / 8.0).floor() * 8.0 - ITEM_POINTER;
        ((most / 8.0).floor() * 8.0 - width).max(0.0) / ROW_POINTER
    }

    /// Pages for one row, where keys are repeated so often on average.
    fn folded(&self, width: f64, repeats: f64, per_list: f64) -> f64 {
        let per_list = per_list.floor();
        let mut page = Page::new(self);
        let mut rows = 0.0;
        let times = Times::around(repeats);
        let mut value = 0;
        while page.tuples < SAMPLE {
            let mut left = times.of(value);
            value += 1;
            rows += left;
            while left > 0.5 && page.tuples < SAMPLE + 2000 {
                let here = left.min(per_list);
                left -= here;
                let list = if here > 1.0 { here * ROW_POINTER } else { 0.0 };
                page.add(((width + list) / 8.0).ceil() * 8.0, list);
            }
            rows -= left.max(0.0);
        }
        page.pages() / rows.max(1.0)
    }
}

/// The page being filled.
struct Page<'a> {
    of: &'a Pages,
    full: f64,
    free: f64,
    /// Bytes of the last tuple, and how many of them its copy as a high key would save.
    last: (f64, f64),
    tuples: usize,
    here: usize,
}

impl<'a> Page<'a> {
    fn new(of: &'a Pages) -> Self {
        let free = of.bytes - PAGE_OVERHEAD - ITEM_POINTER;
        Self { of, full: 0.0, free, last: (0.0, 0.0), tuples: 0, here: 0 }
    }

    fn add(&mut self, bytes: f64, list: f64) {
        let slot = bytes + ITEM_POINTER;
        let saved = self.last.1;
        let is_over = self.free < bytes + 8.0 || self.free + saved < self.of.reserve;
        if is_over && self.here > 1 {
            self.full += 1.0;
            self.free = self.of.bytes - PAGE_OVERHEAD - ITEM_POINTER - self.last.0;
            self.here = 1;
        }
        self.free -= slot;
        self.last = (slot, list);
        self.here += 1;
        self.tuples += 1;
    }

    /// Pages so far, the last one by the share that is taken.
    fn pages(&self) -> f64 {
        let room = self.of.bytes - PAGE_OVERHEAD - ITEM_POINTER;
        let used = (room - self.free) / (room - self.of.reserve).max(1.0);
        self.full + used.clamp(0.0, 1.0)
    }
}

/// How often each value occurs: scattered around a mean as chance has it, in an order without pattern.
struct Times {
    /// Cumulated chances of 1, 2, 3 … occurrences; empty where all occur alike.
    steps: Vec<f64>,
    mean: f64,
}

impl Times {
    /// Occurrences of a value that occurs at all, of this mean.
    fn around(mean: f64) -> Self {
        if mean >= REGULAR {
            return Self { steps: Vec::new(), mean };
        }
        // The mean of those that occur is rate / (1 - exp(-rate)): found by halving.
        let (mut low, mut high) = (0.0_f64, mean);
        for _ in 0..60 {
            let rate = f64::midpoint(low, high);
            if rate / (1.0 - (-rate).exp()).max(1e-12) < mean { low = rate } else { high = rate }
        }
        let rate = f64::midpoint(low, high).max(1e-9);
        let mut chance = rate * (-rate).exp() / (1.0 - (-rate).exp());
        let mut sum = 0.0;
        let mut steps = Vec::new();
        for times in 1..1000 {
            sum += chance;
            steps.push(sum);
            if sum > 0.9999 {
                break;
            }
            chance *= rate / f64::from(times + 1);
        }
        Self { steps, mean }
    }

    fn of(&self, value: u32) -> f64 {
        // Multiples of the golden ratio fill the unit interval evenly from the first on.
        let place = (f64::from(value) * 0.618_033_988_749_895).fract();
        if self.steps.is_empty() {
            let whole = self.mean.floor();
            return if place < self.mean - whole { whole + 1.0 } else { whole };
        }
        let times = self.steps.iter().take_while(|step| **step < place).count();
        (times + 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(fillfactor: f64, folds: bool) -> Pages {
        Pages::filled(8192.0, fillfactor, folds)
    }

    fn group(rows: f64, distinct: f64, width: f64) -> Group {
        Group { rows, distinct, width, is_one_width: true }
    }

    #[test]
    fn unique_integers_stand_366_on_a_page() {
        let integers = group(366_000.0, 366_000.0, 16.0);
        assert!((pages(90.0, false).needed(&[integers]) - 1000.0).abs() < 1e-9);
        assert!((pages(90.0, true).needed(&[integers]) - 1000.0).abs() < 1e-9);
        assert!((pages(100.0, false).per_page(&integers) - 407.0).abs() < 1e-9);
    }

    /// Measured on PostgreSQL 15: a million rows, 7 values, 850 pages in all, 6 above the leaves and the meta page.
    #[test]
    fn long_lists_stand_nine_on_a_page() {
        let needed = pages(90.0, true).needed(&[group(1e6, 7.0, 16.0)]);
        assert!((needed - 843.0).abs() < 4.0, "{needed}");
        let unfolded = pages(90.0, false).needed(&[group(1e6, 7.0, 16.0)]);
        assert!(unfolded > 3.0 * needed);
    }

    #[test]
    fn few_repetitions_save_little() {
        let plain = pages(90.0, true).needed(&[group(1e6, 1e6, 16.0)]);
        let twice = pages(90.0, true).needed(&[group(1e6, 5e5, 16.0)]);
        assert!(twice < plain && twice > 0.7 * plain, "{twice} of {plain}");
    }

    #[test]
    fn occurrences_have_their_mean() {
        for mean in [1.1, 2.0, 7.5, 40.0, 1000.3] {
            let times = Times::around(mean);
            let sum: f64 = (0..20_000).map(|value| times.of(value)).sum();
            assert!((sum / 20_000.0 / mean - 1.0).abs() < 0.01, "{mean}: {}", sum / 20_000.0);
        }
    }

    #[test]
    fn nothing_takes_nothing_and_odd_widths_do_no_harm() {
        assert!(pages(90.0, true).needed(&[group(0.0, 0.0, 16.0)]) < 1e-9);
        assert!(pages(90.0, true).needed(&[group(1e6, 1.0, 5000.0)]).is_finite());
        assert!(pages(0.0, true).needed(&[group(1e6, 10.0, 16.0)]).is_finite());
    }
}
