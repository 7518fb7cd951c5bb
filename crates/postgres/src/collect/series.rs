//! Looking at the counters of all statements again and again.
//!
//! A look is one prepared query for calls and rows, without texts. It tells what it took of the server's time, and looks
//! are made more rarely where they would take more than their share.

use std::time::{Duration, Instant};

use dbvitals_model::{
    pg::{
        series::{Count, Looks, Series},
        statement::Statement,
    },
    snapshot::CollectorCost,
};
use serde::Deserialize;

use super::{
    collector::CATALOG,
    costs,
    pace::Pace,
    run::{Run, is_home},
    sampling::{AROUND_BATCH, AROUND_PREPARED},
};
use crate::{Query, Session, repeat::Repeated};

/// One statement, and in the last row what the look took.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    query_id: i64,
    user: Option<String>,
    database: Option<String>,
    is_top_level: bool,
    calls: i64,
    rows: i64,
    spent_ms: Option<f64>,
}

/// Looks made so far.
pub(super) struct Follower {
    query: Repeated,
    /// The connection to the database of the extension, where that is not the one we are connected to.
    apart: Option<Session>,
    /// The database whose transactions our looks are counted as.
    database: String,
    begun: Instant,
    last: Instant,
    around: Duration,
    pace: Pace,
    looks: Looks,
    cost: CollectorCost,
}

/// The looks of a window, once it is over.
pub(super) struct Followed {
    looks: Looks,
    server_ms: f64,
    /// The database whose transactions they were, and how many.
    pub(super) transactions: (String, i64),
}

impl Follower {
    /// Prepares to look so often, at no more than one part in so many of the server's time; `None` where statements
    /// cannot be read.
    pub(super) async fn begin(run: &mut Run<'_>, every: Duration, share: u32) -> Option<Self> {
        let installed = run.place.clone().ok()?;
        let sql = installed.counts()?;
        let query = Query { name: "statements_counts", sql, timeout: CATALOG };
        let has_pooler = run.snapshot.server.pooler.is_some();
        let mut apart = None;
        if !is_home(run, &installed) {
            apart = Some(run.enter(&installed.database).await.ok()?);
        }
        let session = apart.as_mut().unwrap_or(&mut run.session);
        let query = session.repeated(query, has_pooler).await.ok()?;
        let begun = Instant::now();
        let collector = "statements_counts".to_owned();
        Some(Self {
            query,
            apart,
            database: installed.database,
            begun,
            last: begun,
            around: if has_pooler { AROUND_BATCH } else { AROUND_PREPARED },
            pace: Pace::new(every, share, begun),
            looks: Looks::default(),
            cost: CollectorCost { collector, ..CollectorCost::default() },
        })
    }

    /// The moment of the next look.
    pub(super) fn next(&self) -> Instant {
        if self.looks.made() == 0 { self.begun } else { self.pace.next(self.last) }
    }

    /// Looks once; answers what that took of the server's time. A look that fails leaves a longer interval.
    pub(super) async fn look(&mut self, run: &mut Run<'_>) -> Duration {
        self.last = Instant::now();
        let session = self.apart.as_mut().unwrap_or(&mut run.session);
        let answer = session.again(&self.query).await;
        costs::add(&mut self.cost, &answer);
        let rows = answer.result.ok().and_then(|table| table.decode::<Row>().ok());
        let told = rows.iter().flatten().find_map(|row| row.spent_ms);
        // Whatever the network takes is no time of the server's.
        let told = told.unwrap_or(answer.elapsed_ms).clamp(0.0, answer.elapsed_ms);
        let spent = self.around + Duration::from_secs_f64(told / 1000.0);
        self.pace.spend(spent);
        if let Some(rows) = rows {
            // Counters are those of the moment in which they were answered.
            let second = self.begun.elapsed().as_secs_f64();
            self.looks.add(second, rows.into_iter().map(Row::count).collect());
        }
        spent
    }

    /// Ends looking; costs are booked.
    pub(super) async fn end(self, costs: &mut Vec<CollectorCost>) -> Followed {
        if let Some(session) = self.apart {
            session.close().await;
        }
        costs.push(self.cost);
        let made = i64::try_from(self.looks.made()).unwrap_or(i64::MAX);
        let server_ms = self.pace.spent().as_secs_f64() * 1000.0;
        Followed { looks: self.looks, server_ms, transactions: (self.database, made) }
    }
}

impl Followed {
    /// The series of the statements called most and of those that returned most rows, so many of each; `last` names
    /// all that are not our own.
    pub(super) fn series(&self, last: &[Statement], kept: usize) -> Series {
        Series { server_ms: self.server_ms, ..self.looks.series(last, kept) }
    }
}

impl Row {
    fn count(self) -> Count {
        let Self { query_id, user, database, is_top_level, calls, rows, .. } = self;
        Count { query_id, user, database, is_top_level, calls, rows }
    }
}
