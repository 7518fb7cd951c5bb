//! Waits for locks, seen by looking again and again.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use dbvitals_model::pg::window::LockWaitSamples;
use jiff::Timestamp;
use serde::Deserialize;

use super::run::Run;
use crate::Query;

/// Who waits now, by the server's major version.
pub(super) const LADDER: &[(u32, &str)] =
    &[(13, include_str!("lock_samples/13.sql")), (14, include_str!("lock_samples/14.sql"))];

const TIMEOUT: Duration = Duration::from_secs(2);

/// One session that waits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wait {
    pid: i64,
    query_started_at: Option<Timestamp>,
    /// How long it has waited, where the server knows (14+).
    waited_ms: Option<f64>,
}

/// The waits seen so far.
#[derive(Debug, Default)]
pub(super) struct LockSamples {
    looks: i64,
    waits: BTreeMap<(i64, Option<Timestamp>), Seen>,
}

#[derive(Debug)]
struct Seen {
    first: Instant,
    longest_ms: f64,
}

impl LockSamples {
    /// Looks once; a look that fails is none.
    pub(super) async fn look(&mut self, run: &mut Run<'_>) {
        let major = run.reader.major();
        let text = LADDER.iter().rev().find(|(least, _)| *least <= major);
        let Some((_, sql)) = text else { return };
        let query = Query { name: "lock_samples", sql: (*sql).to_owned(), timeout: TIMEOUT };
        let answer = run.session.batch(&[query]).await.pop();
        if let Some(table) = answer.and_then(|answer| answer.result.ok())
            && let Ok(waits) = table.decode::<Wait>()
        {
            self.note(&waits, Instant::now());
        }
    }

    /// Notes what was seen at a moment. Where the server does not say since when a session waits, it is since we
    /// first saw it.
    fn note(&mut self, waits: &[Wait], now: Instant) {
        self.looks += 1;
        for wait in waits {
            let key = (wait.pid, wait.query_started_at);
            let seen = self.waits.entry(key).or_insert(Seen { first: now, longest_ms: 0.0 });
            let watched_ms = now.saturating_duration_since(seen.first).as_secs_f64() * 1000.0;
            let waited_ms = wait.waited_ms.unwrap_or(0.0).max(watched_ms);
            seen.longest_ms = seen.longest_ms.max(waited_ms);
        }
    }

    /// The sums; `None` when no look succeeded.
    pub(super) fn sum(&self) -> Option<LockWaitSamples> {
        if self.looks == 0 {
            return None;
        }
        let waits = i64::try_from(self.waits.len()).unwrap_or(i64::MAX);
        let waited_ms = self.waits.values().map(|seen| seen.longest_ms).sum();
        Some(LockWaitSamples { looks: self.looks, waits, waited_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pid: i64, second: i64, waited_ms: Option<f64>) -> Wait {
        Wait { pid, query_started_at: Timestamp::from_second(second).ok(), waited_ms }
    }

    #[test]
    fn a_wait_counts_once_with_its_longest_time() {
        let mut samples = LockSamples::default();
        assert_eq!(samples.sum(), None);
        let start = Instant::now();
        samples.note(&[wait(1, 5, Some(200.0)), wait(2, 5, Some(10.0))], start);
        samples.note(&[wait(1, 5, Some(1200.0))], start + Duration::from_secs(1));
        samples.note(&[wait(1, 9, Some(50.0))], start + Duration::from_secs(2));
        let sum = samples.sum().unwrap();
        assert_eq!((sum.looks, sum.waits), (3, 3));
        assert!((sum.waited_ms - 1260.0).abs() < 1e-6);
    }

    #[test]
    fn without_the_servers_word_a_wait_lasts_as_long_as_it_was_watched() {
        let mut samples = LockSamples::default();
        let start = Instant::now();
        samples.note(&[wait(1, 5, None)], start);
        samples.note(&[wait(1, 5, None)], start + Duration::from_millis(1500));
        assert!((samples.sum().unwrap().waited_ms - 1500.0).abs() < 1e-6);
    }
}
