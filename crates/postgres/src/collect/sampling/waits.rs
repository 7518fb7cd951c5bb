//! Waits for locks over many looks: each counted once, with the longest time it was seen to last.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use dbvitals_model::pg::window::{SampledLockWait, SampledLockWaits};
use jiff::Timestamp;

use super::fold::Row;

/// Waits that are told one by one.
const TOLD: usize = 10;

/// A session's statement.
type Who = (i64, Option<Timestamp>);

/// Waits that go on, and sums of those that are over.
#[derive(Debug, Default)]
pub(super) struct Waits {
    going_on: BTreeMap<Who, Wait>,
    over: SampledLockWaits,
    last_look: Option<Instant>,
}

#[derive(Debug)]
struct Wait {
    first: Instant,
    last: Instant,
    /// Half the time between looks: how much longer than it was watched a wait lasted, in the mean.
    unseen: Duration,
    told_ms: f64,
    event: String,
    query_id: Option<i64>,
}

impl Wait {
    fn ms(&self) -> f64 {
        let watched = self.last.saturating_duration_since(self.first) + self.unseen;
        self.told_ms.max(watched.as_secs_f64() * 1000.0)
    }
}

impl Waits {
    /// Adds those that wait at this look; what waits no more is over. Answers whether anybody waits.
    pub(super) fn look<'a>(&mut self, rows: impl Iterator<Item = &'a Row>, now: Instant) -> bool {
        let gap = self.last_look.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        self.last_look = Some(now);
        let mut before = std::mem::take(&mut self.going_on);
        for row in rows {
            let who = (row.pid, row.query_started_at);
            let mut wait = before.remove(&who).unwrap_or_else(|| Wait {
                first: now,
                last: now,
                unseen: gap / 2,
                told_ms: 0.0,
                event: row.event.clone().unwrap_or_default(),
                query_id: row.query_id,
            });
            wait.last = now;
            self.going_on.insert(who, wait);
        }
        for (who, wait) in before {
            self.end(who, &wait);
        }
        !self.going_on.is_empty()
    }

    /// Notes how long the server says that a session has waited.
    pub(super) fn told(&mut self, pid: i64, statement: Option<Timestamp>, ms: f64) {
        if let Some(wait) = self.going_on.get_mut(&(pid, statement)) {
            wait.told_ms = wait.told_ms.max(ms);
        }
    }

    /// How long a session has waited so far, in milliseconds.
    pub(super) fn so_far(&self, pid: i64, statement: Option<Timestamp>) -> f64 {
        self.going_on.get(&(pid, statement)).map_or(0.0, Wait::ms)
    }

    fn end(&mut self, who: Who, wait: &Wait) {
        let (waited_ms, longest) = (wait.ms(), &mut self.over.longest);
        self.over.waits += 1;
        self.over.waited_ms += waited_ms;
        let (event, query_id) = (wait.event.clone(), wait.query_id);
        longest.push(SampledLockWait { pid: who.0, event, query_id, waited_ms });
        longest.sort_by(|one, other| other.waited_ms.total_cmp(&one.waited_ms));
        longest.truncate(TOLD);
    }

    /// All waits, those that go on included.
    pub(super) fn sum(mut self) -> SampledLockWaits {
        for (who, wait) in std::mem::take(&mut self.going_on) {
            self.end(who, &wait);
        }
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(pid: i64, second: i64) -> Row {
        Row { pid, query_started_at: Timestamp::from_second(second).ok(), ..Row::default() }
    }

    #[test]
    fn a_wait_counts_once_with_its_longest_time() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        let later = |ms| start + Duration::from_millis(ms);
        assert!(waits.look([waiting(1, 5), waiting(2, 5)].iter(), start));
        waits.told(1, Timestamp::from_second(5).ok(), 200.0);
        assert!(waits.look([waiting(1, 5)].iter(), later(1000)));
        assert!(waits.look([waiting(1, 9)].iter(), later(1100)));
        assert!(!waits.look([].iter(), later(1200)));
        let sum = waits.sum();
        assert_eq!(sum.waits, 3);
        // 1000 ms watched; one seen in the first look only; one seen once, 100 ms after the look before.
        assert!((sum.waited_ms - 1050.0).abs() < 1e-6, "{}", sum.waited_ms);
        assert_eq!(sum.longest[0].pid, 1);
    }

    #[test]
    fn what_the_server_says_counts_where_it_is_more() {
        let (mut waits, start) = (Waits::default(), Instant::now());
        waits.look([waiting(1, 5)].iter(), start);
        waits.told(1, Timestamp::from_second(5).ok(), 60_000.0);
        assert!((waits.so_far(1, Timestamp::from_second(5).ok()) - 60_000.0).abs() < 1e-6);
        assert!((waits.sum().waited_ms - 60_000.0).abs() < 1e-6);
    }

    #[test]
    fn only_the_longest_are_told_one_by_one() {
        let (mut waits, now) = (Waits::default(), Instant::now());
        for second in 0..100 {
            waits.look([waiting(second, second)].iter(), now);
        }
        let sum = waits.sum();
        assert_eq!((sum.waits, sum.longest.len()), (100, TOLD));
    }
}
