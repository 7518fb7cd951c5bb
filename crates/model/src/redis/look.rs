//! What the looks into one server bring home; no part of a snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Client, Config, Info, LatencyEvent, Server, Slowlog, Window};
use crate::Section;

/// What every look knows of the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ground {
    /// Who answered.
    pub server: Server,
    /// `INFO everything` at the end of the look.
    pub info: Section<Info>,
    /// `CONFIG GET *`.
    pub config: Section<Config>,
}

/// A look at the slow log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SlowlogLook {
    /// The server.
    pub ground: Ground,
    /// Entries, those of before the look included.
    pub slowlog: Section<Slowlog>,
    /// The newest id at the beginning of the look; `None` where the log was empty, or the look has no beginning.
    pub since_id: Option<i64>,
    /// Length of the look; `None`: everything the log holds counts.
    pub seconds: Option<f64>,
    /// `COMMANDLOG` of Valkey 8.1 and later, in a look at all the log holds; empty on other servers.
    pub large_requests: Vec<LargeCommand>,
    /// The same, by the size of the answer.
    pub large_replies: Vec<LargeCommand>,
}

/// A command with a large request or answer; values are never kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LargeCommand {
    /// When, to the second.
    pub at: Option<Timestamp>,
    /// Size of the request or of the answer.
    pub bytes: i64,
    /// Lowercase command name.
    pub command: String,
    /// The first key, if the command has one.
    pub key: Option<String>,
    /// Name or address of the client.
    pub client: Option<String>,
}

/// A look at latency.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LatencyLook {
    /// The server.
    pub ground: Ground,
    /// `LATENCY LATEST`.
    pub events: Section<Vec<LatencyEvent>>,
    /// `LATENCY HISTORY` of each event of [`Self::events`], oldest first.
    pub history: Section<BTreeMap<String, Vec<Occurrence>>>,
    /// `LATENCY HISTOGRAM` at the end (7.0 and later).
    pub histograms: Section<BTreeMap<String, Histogram>>,
    /// The same at the beginning.
    pub histograms_before: Section<BTreeMap<String, Histogram>>,
    /// Counters over the look.
    pub window: Section<Window>,
    /// Our own round trips in milliseconds, one after the other.
    pub pings_ms: Vec<f64>,
}

/// One occurrence of a latency event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occurrence {
    /// When, to the second.
    pub at: Option<Timestamp>,
    /// How long nobody was served.
    pub ms: i64,
}

/// How long the calls of one command took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Calls counted.
    pub calls: i64,
    /// Upper bound in microseconds and the calls up to it, rising.
    pub buckets: Vec<(i64, i64)>,
}

/// A look at the clients.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientsLook {
    /// The server.
    pub ground: Ground,
    /// Clients at the beginning.
    pub before: Section<Vec<Client>>,
    /// Clients at the end.
    pub clients: Section<Vec<Client>>,
    /// Counters over the look.
    pub window: Section<Window>,
}

impl Histogram {
    /// The calls since an earlier look; `None` when the counters were reset in between.
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Self> {
        let calls = self.calls.checked_sub(before.calls).filter(|calls| *calls >= 0)?;
        let buckets = self.buckets.iter().map(|(bound, count)| {
            // Buckets count all calls up to their bound: one that is absent holds what the next lower one does.
            let below = before.buckets.iter().filter(|(earlier, _)| earlier <= bound);
            let earlier = below.map(|(_, count)| *count).max().unwrap_or(0);
            let grown = count.checked_sub(earlier).filter(|count| *count >= 0)?;
            Some((*bound, grown))
        });
        Some(Self { calls, buckets: buckets.collect::<Option<_>>()? })
    }

    /// The upper bound in microseconds of the bucket below which that share of calls stayed.
    pub fn percentile_us(&self, share: f64) -> Option<i64> {
        let wanted = share.clamp(0.0, 1.0) * self.calls as f64;
        let reaches = |(_, count): &&(i64, i64)| *count as f64 >= wanted;
        self.buckets.iter().find(reaches).map(|(bound, _)| *bound).filter(|_| self.calls > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(calls: i64, buckets: &[(i64, i64)]) -> Histogram {
        Histogram { calls, buckets: buckets.to_vec() }
    }

    #[test]
    fn percentiles_are_upper_bounds() {
        let all = histogram(100, &[(1, 50), (2, 90), (8, 99), (64, 100)]);
        assert_eq!(all.percentile_us(0.5), Some(1));
        assert_eq!(all.percentile_us(0.99), Some(8));
        assert_eq!(all.percentile_us(1.0), Some(64));
        assert_eq!(Histogram::default().percentile_us(0.5), None);
    }

    #[test]
    fn the_calls_in_between_are_the_difference() {
        let before = histogram(100, &[(1, 50), (4, 100)]);
        let after = histogram(110, &[(1, 50), (2, 53), (4, 104), (64, 110)]);
        let between = after.since(&before).unwrap();
        assert_eq!(between, histogram(10, &[(1, 0), (2, 3), (4, 4), (64, 10)]));
        assert_eq!(before.since(&after), None, "reset in between");
    }
}
