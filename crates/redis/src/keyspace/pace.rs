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

const GENTLE: Bounds = Bounds { added_ms: 0.2, least: 8, most: 48, count: 64, duty: 0.95 };
const FAST: Bounds = Bounds { added_ms: 3.0, least: 16, most: 125, count: 250, duty: 1.0 };

/// PINGs whose median counts.
const RECENT: usize = 5;

/// Between two PINGs.
pub(crate) const PING_EVERY: Duration = Duration::from_millis(20);

/// Work after which a rest is due.
const SPELL: Duration = Duration::from_millis(20);

/// Share of the time that is left to work when even the smallest request disturbs.
const LEAST_DUTY: f64 = 0.2;

/// The pace of one walk.
#[derive(Debug)]
pub(crate) struct Pace {
    bounds: Bounds,
    keys: usize,
    duty: f64,
    idle_ms: f64,
    recent: VecDeque<f64>,
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
            idle_ms,
            recent: VecDeque::new(),
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

    /// Median of the last PINGs at its worst, less what one takes on the idle server.
    pub(crate) fn worst_ms(&self) -> f64 {
        self.worst_ms
    }

    /// A PING took this long while we were at work.
    pub(crate) fn heard(&mut self, ping_ms: f64) {
        self.recent.push_back(ping_ms);
        if self.recent.len() < RECENT {
            return;
        }
        let mut sorted: Vec<f64> = self.recent.drain(..).collect();
        sorted.sort_by(f64::total_cmp);
        let added = sorted.get(RECENT / 2).copied().unwrap_or(0.0) - self.idle_ms;
        self.worst_ms = self.worst_ms.max(added);
        if added > self.bounds.added_ms {
            if self.keys == self.bounds.least {
                self.duty = (self.duty * 0.7).max(LEAST_DUTY);
            }
            self.keys = (self.keys * 2 / 3).max(self.bounds.least);
        } else if added < self.bounds.added_ms / 2.0 {
            if self.duty < self.bounds.duty {
                self.duty = (self.duty * 1.2).min(self.bounds.duty);
            } else {
                self.keys = (self.keys + 4).min(self.bounds.most);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(pace: &mut Pace, ping_ms: f64, times: usize) {
        for _ in 0..times * RECENT {
            pace.heard(ping_ms);
        }
    }

    #[test]
    fn yields_to_others_and_recovers() {
        let mut pace = Pace::new(Manner::Gentle, 0.1);
        heard(&mut pace, 0.5, 20);
        assert_eq!((pace.keys(), pace.duty), (GENTLE.least, LEAST_DUTY));
        assert_eq!(pace.worked(Duration::from_millis(19)), None);
        let rest = pace.worked(Duration::from_millis(1)).unwrap();
        assert!((rest.as_secs_f64() - 0.080).abs() < 1e-6, "{rest:?}");
        heard(&mut pace, 0.1, 50);
        assert_eq!((pace.keys(), pace.duty), (GENTLE.most, GENTLE.duty));
        assert!((pace.worst_ms() - 0.4).abs() < 1e-9);
    }

    #[test]
    fn one_slow_answer_is_no_reason() {
        let mut pace = Pace::new(Manner::Gentle, 0.1);
        for ping in [0.1, 9.0, 0.1, 0.1, 0.1] {
            pace.heard(ping);
        }
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
