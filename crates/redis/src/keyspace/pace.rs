//! How fast to go: smaller requests and longer rests when others have to wait.

use std::{collections::VecDeque, time::Duration};

/// How gentle a walk is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Manner {
    /// Others notice nothing: a third of a millisecond is the most that is added to their waiting.
    #[default]
    Gentle,
    /// As fast as requests of bounded size go.
    Fast,
}

/// Bounds of one manner.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Added waiting from which requests shrink, in milliseconds.
    added_ms: f64,
    /// Keys asked in one request.
    least: usize,
    most: usize,
    /// `COUNT` of `SCAN`. One of 1000 holds up a server for a millisecond.
    count: usize,
    /// Share of the time that is spent on the server, at most.
    duty: f64,
}

const GENTLE: Bounds = Bounds { added_ms: 0.2, least: 16, most: 48, count: 64, duty: 0.95 };
const FAST: Bounds = Bounds { added_ms: 3.0, least: 16, most: 125, count: 250, duty: 1.0 };

/// PINGs whose median counts.
const RECENT: usize = 5;

/// Between two PINGs.
pub(crate) const PING_EVERY: Duration = Duration::from_millis(10);

/// Work after which a rest is due.
const SPELL: Duration = Duration::from_millis(20);

/// Share of the time that is left to work when even the smallest request disturbs.
const LEAST_DUTY: f64 = 0.3;

/// The pace of one walk.
#[derive(Debug)]
pub(crate) struct Pace {
    bounds: Bounds,
    keys: usize,
    duty: f64,
    /// PINGs while a request of ours is under way, and while none is.
    busy_ms: VecDeque<f64>,
    idle_ms: VecDeque<f64>,
    since_change: usize,
    worst_ms: f64,
    busy: Duration,
}

impl Pace {
    /// Begins, knowing what a PING takes on a server that is left alone.
    pub(crate) fn new(manner: Manner, idle_ms: f64) -> Self {
        let bounds = match manner {
            Manner::Gentle => GENTLE,
            Manner::Fast => FAST,
        };
        Self {
            bounds,
            keys: bounds.most / 2,
            duty: bounds.duty,
            busy_ms: VecDeque::new(),
            idle_ms: VecDeque::from([idle_ms]),
            since_change: 0,
            worst_ms: 0.0,
            busy: Duration::ZERO,
        }
    }

    /// Keys to ask in the next request.
    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// `COUNT` of the next `SCAN`.
    pub(crate) fn count(&self) -> usize {
        self.bounds.count
    }

    /// What others waited longer at the worst, as far as it is our doing.
    pub(crate) fn worst_ms(&self) -> f64 {
        self.worst_ms
    }

    /// Whether it is time to listen while no request is under way: a server may be slow without us.
    pub(crate) fn wants_silence(&self) -> bool {
        self.since_change % 2 == 1
    }

    /// A PING took this long while no request of ours was under way.
    pub(crate) fn heard_in_silence(&mut self, ping_ms: f64) {
        remember(&mut self.idle_ms, ping_ms);
        self.since_change += 1;
    }

    /// A PING took this long while a request of ours was under way.
    pub(crate) fn heard(&mut self, ping_ms: f64) {
        remember(&mut self.busy_ms, ping_ms);
        self.since_change += 1;
        if self.since_change < 2 * RECENT || self.busy_ms.len() < RECENT {
            return;
        }
        self.since_change = 0;
        let added = median(&self.busy_ms) - median(&self.idle_ms);
        self.worst_ms = self.worst_ms.max(added);
        if added > self.bounds.added_ms {
            if self.keys == self.bounds.least {
                self.duty = (self.duty * 0.7).max(LEAST_DUTY);
            }
            self.keys = (self.keys * 2 / 3).max(self.bounds.least);
        } else {
            self.duty = (self.duty * 1.2).min(self.bounds.duty);
            if added < self.bounds.added_ms / 2.0 {
                self.keys = (self.keys + 8).min(self.bounds.most);
            }
        }
    }

    /// A request took this long; how long to rest now, if it is time.
    pub(crate) fn worked(&mut self, took: Duration) -> Option<Duration> {
        self.busy += took;
        if self.busy < SPELL {
            return None;
        }
        let rest = self.busy.mul_f64((1.0 - self.duty) / self.duty);
        self.busy = Duration::ZERO;
        (!rest.is_zero()).then_some(rest)
    }
}

fn remember(pings: &mut VecDeque<f64>, ping_ms: f64) {
    pings.push_back(ping_ms);
    if pings.len() > RECENT {
        pings.pop_front();
    }
}

fn median(pings: &VecDeque<f64>) -> f64 {
    let mut sorted: Vec<f64> = pings.iter().copied().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pace: &mut Pace, idle_ms: f64, busy_ms: f64, times: usize) {
        for _ in 0..times * RECENT {
            pace.heard(busy_ms);
            pace.heard_in_silence(idle_ms);
        }
    }

    #[test]
    fn yields_to_others_and_recovers() {
        let mut pace = Pace::new(Manner::Gentle, 0.1);
        heard(&mut pace, 0.1, 0.5, 20);
        assert_eq!((pace.keys(), pace.duty), (GENTLE.least, LEAST_DUTY));
        assert_eq!(pace.worked(Duration::from_millis(19)), None);
        let rest = pace.worked(Duration::from_millis(1)).unwrap();
        assert!((rest.as_secs_f64() - 0.02 / LEAST_DUTY * (1.0 - LEAST_DUTY)).abs() < 1e-6);
        heard(&mut pace, 0.1, 0.1, 50);
        assert_eq!((pace.keys(), pace.duty), (GENTLE.most, GENTLE.duty));
        assert!((pace.worst_ms() - 0.4).abs() < 1e-9);
    }

    #[test]
    fn a_server_that_is_slow_without_us_is_no_reason() {
        let mut pace = Pace::new(Manner::Gentle, 0.1);
        heard(&mut pace, 2.0, 2.05, 20);
        assert_eq!((pace.keys(), pace.duty), (GENTLE.most, GENTLE.duty));
    }

    #[test]
    fn one_slow_answer_is_no_reason() {
        let mut pace = Pace::new(Manner::Gentle, 0.1);
        for ping in [0.1, 9.0, 0.1, 0.1, 0.1] {
            pace.heard(ping);
            pace.heard_in_silence(0.1);
        }
        assert_eq!(pace.keys(), GENTLE.most / 2);
        heard(&mut pace, 0.1, 0.1, 2);
        assert!(pace.keys() > GENTLE.most / 2);
    }

    #[test]
    fn no_scan_holds_up_a_server() {
        for manner in [Manner::Gentle, Manner::Fast] {
            let pace = Pace::new(manner, 0.0);
            assert!(pace.count() <= 250 && pace.bounds.most <= 250);
        }
    }
}
