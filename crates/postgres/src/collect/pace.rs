//! When to look next: as often as wanted, as long as all looks together stay cheap.

use std::time::{Duration, Instant};

/// The rhythm of the looks.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    period: Duration,
    /// The server may spend one part in so many of the time on our looks; 0 is no limit.
    share: u32,
    spent: Duration,
}

impl Pace {
    /// A look each period, at no more than one part in so many of the server's time.
    pub(super) fn new(period: Duration, share: u32, begun: Instant) -> Self {
        Self { begun, period, share, spent: Duration::ZERO }
    }

    /// Books what a look took of the server's time.
    pub(super) fn spend(&mut self, time: Duration) {
        self.spent = self.spent.saturating_add(time);
    }

    /// All of the server's time so far.
    pub(super) fn spent(&self) -> Duration {
        self.spent
    }

    /// The moment of the next look, given that of the last one: a period later, and not before what was spent is
    /// no more than its share of the time passed. A look that comes late is not made up for.
    pub(super) fn next(&self, last: Instant) -> Instant {
        let paid = self.begun + self.spent.saturating_mul(self.share);
        (last + self.period).max(paid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn cheap_looks_come_as_often_as_wanted() {
        let start = Instant::now();
        let mut pace = Pace::new(100 * MS, 100, start);
        pace.spend(MS / 2);
        assert_eq!(pace.next(start), start + 100 * MS);
        pace.spend(MS / 2);
        assert_eq!(pace.next(start + 100 * MS), start + 200 * MS);
    }

    #[test]
    fn dear_looks_are_paid_for_by_waiting() {
        let start = Instant::now();
        let mut pace = Pace::new(10 * MS, 100, start);
        pace.spend(3 * MS);
        assert_eq!(pace.next(start), start + 300 * MS, "one hundredth of 300 ms");
        pace.spend(MS);
        assert_eq!(pace.next(start + 300 * MS), start + 400 * MS);
    }

    #[test]
    fn a_hiccup_is_paid_off_and_forgotten() {
        let start = Instant::now();
        let mut pace = Pace::new(100 * MS, 100, start);
        pace.spend(20 * MS);
        let resumed = pace.next(start);
        assert_eq!(resumed, start + 2000 * MS);
        pace.spend(MS / 4);
        assert_eq!(pace.next(resumed), resumed + 100 * MS);
    }

    #[test]
    fn without_a_limit_every_look_is_in_time() {
        let start = Instant::now();
        let mut pace = Pace::new(100 * MS, 0, start);
        pace.spend(500 * MS);
        assert_eq!(pace.next(start), start + 100 * MS);
    }
}
