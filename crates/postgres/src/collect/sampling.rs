//! Looking at the sessions again and again while the window is open.
//!
//! A look is one prepared query over the function below `pg_stat_activity`. Who blocks whom needs the lock
//! manager's own locks, so it is asked only while somebody waits, and at most once a second. Every look tells what
//! it took of the server's time, and looks are made more rarely where they would take more than their share.

mod fold;
mod trees;
mod waits;

use std::time::{Duration, Instant};

use dbvitals_model::{pg::window::Sampled, snapshot::CollectorCost};

use self::{
    fold::{Fold, Row},
    trees::Involved,
};
use super::{costs, pace::Pace, run::Run};
use crate::{Query, repeat::Repeated};

/// The sessions that do something, by the server's major version.
const SESSIONS: &[(u32, &str)] =
    &[(13, include_str!("sampling/13.sql")), (14, include_str!("sampling/14.sql"))];
/// Who waits for whom, by the server's major version.
const BLOCKERS: &[(u32, &str)] = &[
    (13, include_str!("sampling/blockers_13.sql")),
    (14, include_str!("sampling/blockers_14.sql")),
];

const TIMEOUT: Duration = Duration::from_secs(2);
/// The server may spend one hundredth of the time on all looks of a window, those at statements included.
const SHARE: u32 = 100;
/// Least time between two questions about who blocks whom.
const BLOCKERS_EVERY: Duration = Duration::from_secs(1);
/// What receiving, answering and ending a query takes besides running it, measured on a process's own clock.
pub(super) const AROUND_PREPARED: Duration = Duration::from_micros(200);
/// The same where the query comes with a transaction around it.
pub(super) const AROUND_BATCH: Duration = Duration::from_micros(600);

/// Looks made so far.
pub(super) struct Sampler {
    begun: Instant,
    wanted_per_second: f64,
    sessions: Option<Repeated>,
    blockers: Option<Repeated>,
    blockers_at: Option<Instant>,
    around: Duration,
    last: Instant,
    pace: Pace,
    /// What others spent of the same share.
    others: Duration,
    fold: Fold,
    costs: [CollectorCost; 2],
    /// Transactions of ours that the server counted.
    pub(super) transactions: i64,
}

impl Sampler {
    /// Prepares to look so many times a second.
    pub(super) async fn begin(run: &mut Run<'_>, per_second: f64) -> Self {
        let has_pooler = run.snapshot.server.pooler.is_some();
        let major = run.reader.major();
        let mut prepared = [None, None];
        for (place, (name, texts)) in
            prepared.iter_mut().zip([("sampling", SESSIONS), ("blockers", BLOCKERS)])
        {
            let text = texts.iter().rev().find(|(least, _)| *least <= major);
            let sql = text.map(|(_, sql)| (*sql).to_owned()).unwrap_or_default();
            let query = Query { name, sql, timeout: TIMEOUT };
            *place = run.session.repeated(query, has_pooler).await.ok();
        }
        let [sessions, blockers] = prepared;
        let begun = Instant::now();
        let period =
            Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(Duration::from_secs(1));
        let cost =
            |name: &str| CollectorCost { collector: name.to_owned(), ..CollectorCost::default() };
        Self {
            begun,
            wanted_per_second: per_second,
            sessions,
            blockers,
            blockers_at: None,
            around: if has_pooler { AROUND_BATCH } else { AROUND_PREPARED },
            last: begun,
            pace: Pace::new(period, SHARE, begun),
            others: Duration::ZERO,
            fold: Fold::default(),
            costs: [cost("sampling"), cost("blockers")],
            transactions: 0,
        }
    }

    /// The moment of the next look.
    pub(super) fn next(&self) -> Instant {
        self.pace.next(self.last)
    }

    /// Books what another kind of look took of the server's time: it is paid for by waiting, too.
    pub(super) fn shares(&mut self, time: Duration) {
        self.pace.spend(time);
        self.others += time;
    }

    /// Looks once; a look that fails is counted as such.
    pub(super) async fn look(&mut self, run: &mut Run<'_>) {
        self.last = Instant::now();
        let Some(sessions) = &self.sessions else {
            self.fold.failed += 1;
            return;
        };
        let answer = run.session.again(sessions).await;
        self.transactions += 1;
        costs::add(&mut self.costs[0], &answer);
        let rows = answer.result.ok().and_then(|table| table.decode::<Row>().ok());
        let Some(rows) = rows else {
            self.fold.failed += 1;
            return;
        };
        let told = rows.iter().find_map(|row| row.spent_ms.filter(|_| row.is_own));
        // Whatever the network takes is no time of the server's.
        let told = told.unwrap_or(answer.elapsed_ms).clamp(0.0, answer.elapsed_ms);
        self.pace.spend(self.around + Duration::from_secs_f64(told / 1000.0));
        let waits = self.fold.add(&rows, self.last);
        let due = self.blockers_at.is_none_or(|at| at + BLOCKERS_EVERY <= self.last);
        if waits && due {
            self.look_at_blockers(run).await;
        }
    }

    async fn look_at_blockers(&mut self, run: &mut Run<'_>) {
        let Some(blockers) = &self.blockers else { return };
        self.blockers_at = Some(self.last);
        let answer = run.session.again(blockers).await;
        self.transactions += 1;
        costs::add(&mut self.costs[1], &answer);
        // It does not tell its own time; over a network this is more than it took.
        self.pace.spend(Duration::from_secs_f64(answer.elapsed_ms / 1000.0));
        let rows = answer.result.ok().and_then(|table| table.decode::<Involved>().ok());
        let rows = rows.unwrap_or_default();
        for row in &rows {
            if let Some(ms) = row.waited_ms {
                self.fold.waits.told(row.pid, row.query_started_at, ms);
            }
        }
        let waits = &self.fold.waits;
        let so_far = |row: &Involved| {
            row.waited_ms.unwrap_or(0.0).max(waits.so_far(row.pid, row.query_started_at))
        };
        self.fold.trees.look(&rows, so_far);
    }

    /// The sums, `None` when no look was answered; costs are booked.
    pub(super) fn end(self, costs: &mut Vec<CollectorCost>) -> Option<Sampled> {
        let server_ms = self.pace.spent().saturating_sub(self.others).as_secs_f64() * 1000.0;
        let seconds = self.begun.elapsed().as_secs_f64();
        costs.extend(self.costs.into_iter().filter(|cost| cost.elapsed_ms > 0.0));
        let sampled = self.fold.sum()?;
        let wanted_per_second = self.wanted_per_second;
        Some(Sampled { wanted_per_second, seconds, server_ms, ..sampled })
    }
}
