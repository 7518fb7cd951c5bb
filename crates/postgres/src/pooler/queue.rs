//! The queues over a window.

use std::collections::BTreeMap;

use dbvitals_model::{
    Reason, Section,
    pooler::{Pool, Queue, QueuedPool},
};

use super::rows::{Row, int};

/// What was seen so far.
pub(super) struct Watch {
    first: Option<Totals>,
    looks: i64,
    pools: BTreeMap<(String, String), Seen>,
}

#[derive(Default)]
struct Seen {
    waiting: i64,
    most: i64,
    longest_ms: f64,
    queued: i64,
}

/// Counters over all databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Totals {
    transactions: i64,
    waited_us: i64,
}

fn totals(rows: &[Row]) -> Totals {
    let sum = |name: &str| rows.iter().map(|row| int(row, name)).fold(0, i64::saturating_add);
    Totals { transactions: sum("total_xact_count"), waited_us: sum("total_wait_time") }
}

impl Watch {
    /// Begins with the counters of `SHOW STATS`.
    pub(super) fn new(stats: Option<&[Row]>) -> Self {
        Self { first: stats.map(totals), looks: 0, pools: BTreeMap::new() }
    }

    /// Adds one look.
    pub(super) fn look(&mut self, pools: &[Pool]) {
        self.looks += 1;
        for pool in pools {
            let seen = self.pools.entry((pool.database.clone(), pool.user.clone())).or_default();
            seen.waiting += pool.clients_waiting;
            seen.most = seen.most.max(pool.clients_waiting);
            seen.longest_ms = seen.longest_ms.max(pool.longest_wait_ms);
            seen.queued += i64::from(pool.clients_waiting > 0);
        }
    }

    /// The sums over all looks, and what was counted since the first one.
    pub(super) fn end(self, stats: Option<&[Row]>, seconds: f64) -> Section<Queue> {
        if self.looks == 0 {
            return Section::unavailable(Reason::Failed, "no look at the pools was answered");
        }
        let looks = self.looks as f64;
        let grown = |of: fn(Totals) -> i64| {
            let (first, last) = (of(self.first?), of(totals(stats?)));
            last.checked_sub(first).filter(|grown| *grown >= 0 && first >= 0)
        };
        let (transactions, waited_us) = (grown(|it| it.transactions), grown(|it| it.waited_us));
        let pools = self.pools.into_iter().map(|((database, user), seen)| QueuedPool {
            database,
            user,
            waiting_mean: seen.waiting as f64 / looks,
            waiting_max: seen.most,
            longest_wait_ms: seen.longest_ms,
            queued_ratio: seen.queued as f64 / looks,
        });
        Section::collected(Queue {
            seconds,
            looks: self.looks,
            pools: pools.collect(),
            transactions,
            waited_ms: waited_us.map(|us| us as f64 / 1000.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(transactions: i64, waited_us: i64) -> Vec<Row> {
        let number = |name: &str, value: i64| (name.to_owned(), value.to_string());
        let row = [number("total_xact_count", transactions), number("total_wait_time", waited_us)];
        vec![Row::from(row)]
    }

    fn pool(waiting: i64) -> Pool {
        Pool { database: "app".into(), clients_waiting: waiting, ..Pool::default() }
    }

    #[test]
    fn queues_are_means_over_all_looks() {
        let mut watch = Watch::new(Some(&stats(100, 5_000)));
        for waiting in [0, 4, 2, 0] {
            watch.look(&[pool(waiting)]);
        }
        let queue = watch.end(Some(&stats(160, 65_000)), 4.0);
        let queue = queue.value().unwrap();
        assert_eq!((queue.transactions, queue.waited_ms), (Some(60), Some(60.0)));
        let pool = &queue.pools[0];
        assert!((pool.waiting_mean - 1.5).abs() < 1e-9 && (pool.queued_ratio - 0.5).abs() < 1e-9);
        assert_eq!(pool.waiting_max, 4);
    }

    #[test]
    fn a_restarted_pooler_has_no_counts() {
        let mut watch = Watch::new(Some(&stats(100, 5_000)));
        watch.look(&[pool(0)]);
        let queue = watch.end(Some(&stats(3, 9_000)), 4.0);
        let queue = queue.value().unwrap();
        assert_eq!((queue.transactions, queue.waited_ms), (None, Some(4.0)));
    }
}
