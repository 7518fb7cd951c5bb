//! Connections and sessions.

use crate::{
    event::Identity,
    histogram::Histogram,
    moment::{Micros, SECOND},
    names::{Name, Names, Tally},
};

/// Connections and sessions so far.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    pub(super) received: i64,
    pub(super) authorized: i64,
    pub(super) disconnected: i64,
    pub(super) lost: i64,
    pub(super) peak: i64,
    pub(super) peak_at: Option<Micros>,
    pub(super) minute_peak: i64,
    pub(super) sessions: Histogram,
    pub(super) session_total: i64,
    pub(super) session_min: i64,
    pub(super) session_max: i64,
    pub(super) short: i64,
    pub(super) clients: Tally,
    pub(super) users: Tally,
    pub(super) databases: Tally,
    pub(super) applications: Tally,
    second: (i64, i64),
    minute: (i64, i64),
    /// Processes whose clients were lost last.
    last_lost: [u32; LOST],
}

/// A lost client is often told by two records, with those of few others between.
const LOST: usize = 16;

/// A session below this was hardly worth its beginning.
const SHORT: Micros = SECOND;

impl Arrivals {
    /// A client connected; gives how many did within this second so far.
    pub(super) fn connected(&mut self, time: Option<Micros>, client: Name) -> i64 {
        self.received += 1;
        self.clients.add(client);
        let Some(time) = time else { return 0 };
        let in_second = count(&mut self.second, time.div_euclid(SECOND));
        if in_second > self.peak {
            self.peak = in_second;
            self.peak_at = Some(time);
        }
        self.minute_peak =
            self.minute_peak.max(count(&mut self.minute, time.div_euclid(60 * SECOND)));
        in_second
    }

    /// A client went away; a session within a transaction tells of it twice.
    pub(super) fn lost(&mut self, pid: u32) {
        if pid != 0 && self.last_lost.contains(&pid) {
            return;
        }
        self.last_lost.rotate_right(1);
        self.last_lost[0] = pid;
        self.lost += 1;
    }

    pub(super) fn authorized(&mut self, identity: &Identity<'_>, names: &mut Names) {
        self.authorized += 1;
        self.users.add(names.number(identity.user));
        self.databases.add(names.number(identity.database));
        self.applications.add(names.number(identity.application));
    }

    pub(super) fn disconnected(&mut self, micros: i64) {
        self.session_min =
            if self.disconnected == 0 { micros } else { self.session_min.min(micros) };
        self.session_max = self.session_max.max(micros);
        self.disconnected += 1;
        self.session_total += micros;
        self.sessions.add(micros);
        self.short += i64::from(micros < SHORT);
    }
}

/// Counts within the newest period; a late record counts to it as well.
fn count(newest: &mut (i64, i64), period: i64) -> i64 {
    if period > newest.0 {
        *newest = (period, 0);
    }
    newest.1 += 1;
    newest.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_client_is_counted_once() {
        let mut arrivals = Arrivals::default();
        for pid in [7, 8, 7, 0, 0] {
            arrivals.lost(pid);
        }
        assert_eq!(arrivals.lost, 4);
    }
}
