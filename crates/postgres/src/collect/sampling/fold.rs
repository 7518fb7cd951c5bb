//! Folding looks at the sessions into sums, in memory that does not grow with the window.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Instant,
};

use dbvitals_model::pg::window::{Sampled, SampledEvent, SampledStatement};
use jiff::Timestamp;
use serde::Deserialize;

use super::{trees::Trees, waits::Waits};

/// Statements counted apart; what comes later is counted together.
const STATEMENTS: usize = 2_000;
/// Events counted apart; a server has some hundreds.
const EVENTS: usize = 1_000;
/// Statements and events that are told.
const TOP: usize = 30;
/// Events told of one statement.
const TOP_OF_STATEMENT: usize = 3;
/// The class of those that wait for nothing.
const CPU: &str = "CPU";

/// One session at one moment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::collect) struct Row {
    pub(super) pid: i64,
    pub(super) is_own: bool,
    pub(super) backend_type: Option<String>,
    pub(super) state: Option<String>,
    pub(super) class: Option<String>,
    pub(super) event: Option<String>,
    pub(super) query_id: Option<i64>,
    pub(super) query_started_at: Option<Timestamp>,
    pub(super) transaction_ms: Option<f64>,
    pub(super) xmin_age: Option<i64>,
    /// What this look took of the server's time so far; only in our own row.
    pub(super) spent_ms: Option<f64>,
}

/// Class and event.
type Place = (String, String);

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub(super) looks: i64,
    pub(super) failed: i64,
    active: i64,
    active_max: i64,
    hidden_max: i64,
    longest_transaction_ms: f64,
    xmin_age_max: i64,
    events: BTreeMap<Place, i64>,
    statements: BTreeMap<i64, BTreeMap<Place, i64>>,
    other_statements: i64,
    pub(super) waits: Waits,
    pub(super) trees: Trees,
}

impl Row {
    /// A client's session or one of its workers: what answers somebody who waits for an answer.
    fn serves(&self) -> bool {
        matches!(self.backend_type.as_deref(), Some("client backend" | "parallel worker"))
    }

    fn is_active(&self) -> bool {
        matches!(self.state.as_deref(), Some("active" | "fastpath function call"))
    }

    fn place(&self) -> Place {
        match (&self.class, &self.event) {
            (Some(class), event) => (class.clone(), event.clone().unwrap_or_default()),
            (None, _) => (CPU.to_owned(), String::new()),
        }
    }

    /// Whether it waits for another session's lock. Autovacuum gives way by itself: it is not counted.
    pub(super) fn waits_for_lock(&self) -> bool {
        self.class.as_deref() == Some("Lock") && self.serves()
    }
}

impl Fold {
    /// Adds one look; answers whether somebody waits for a lock.
    pub(super) fn add(&mut self, rows: &[Row], now: Instant) -> bool {
        self.looks += 1;
        let others = rows.iter().filter(|row| !row.is_own && row.serves());
        let (mut active, mut hidden) = (0, 0);
        for row in others {
            if row.state.is_none() {
                hidden += 1;
                continue;
            }
            let oldest = row.transaction_ms.unwrap_or(0.0);
            self.longest_transaction_ms = self.longest_transaction_ms.max(oldest);
            self.xmin_age_max = self.xmin_age_max.max(row.xmin_age.unwrap_or(0));
            if row.is_active() {
                active += 1;
                self.count(row);
            }
        }
        self.active += active;
        self.active_max = self.active_max.max(active);
        self.hidden_max = self.hidden_max.max(hidden);
        self.waits.look(rows.iter().filter(|row| !row.is_own && row.waits_for_lock()), now)
    }

    fn count(&mut self, row: &Row) {
        let mut place = row.place();
        if self.events.len() >= EVENTS && !self.events.contains_key(&place) {
            place.1 = "other".to_owned();
        }
        *self.events.entry(place.clone()).or_default() += 1;
        let Some(query_id) = row.query_id.filter(|id| *id != 0) else {
            self.other_statements += 1;
            return;
        };
        let is_full = self.statements.len() >= STATEMENTS;
        match self.statements.entry(query_id) {
            Entry::Vacant(_) if is_full => self.other_statements += 1,
            entry => *entry.or_default().entry(place).or_default() += 1,
        }
    }

    /// The sums over all looks; `None` when no look was answered.
    pub(super) fn sum(self) -> Option<Sampled> {
        if self.looks == 0 {
            return None;
        }
        let looks = self.looks as f64;
        let mut all: Vec<(i64, i64, BTreeMap<Place, i64>)> = self
            .statements
            .into_iter()
            .map(|(id, events)| (events.values().sum(), id, events))
            .collect();
        all.sort_by_key(|(times, id, _)| (std::cmp::Reverse(*times), *id));
        let rest: i64 = all.iter().skip(TOP).map(|(times, ..)| times).sum();
        let statements = all.into_iter().take(TOP).map(|(times, query_id, events)| {
            let sessions_mean = times as f64 / looks;
            let events = leading(events, looks, TOP_OF_STATEMENT);
            SampledStatement { query_id, text: None, sessions_mean, events }
        });
        Some(Sampled {
            looks: self.looks,
            failed: self.failed,
            active_mean: self.active as f64 / looks,
            active_max: self.active_max,
            hidden_max: self.hidden_max,
            longest_transaction_ms: self.longest_transaction_ms,
            xmin_age_max: self.xmin_age_max,
            events: leading(self.events, looks, TOP),
            statements: statements.collect(),
            other_statements_mean: (self.other_statements + rest) as f64 / looks,
            trees: self.trees.longest(),
            lock_waits: self.waits.sum(),
            ..Sampled::default()
        })
    }
}

/// The most frequent events, as sessions on average.
fn leading(events: BTreeMap<Place, i64>, looks: f64, count: usize) -> Vec<SampledEvent> {
    let mut events: Vec<(Place, i64)> = events.into_iter().collect();
    events.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let told = events.into_iter().take(count);
    told.map(|((class, event), times)| SampledEvent {
        class,
        event,
        sessions_mean: times as f64 / looks,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pid: i64, class: &str, query_id: i64) -> Row {
        Row {
            pid,
            backend_type: Some("client backend".into()),
            state: Some("active".into()),
            class: (!class.is_empty()).then(|| class.to_owned()),
            event: (!class.is_empty()).then(|| format!("{class}Event")),
            query_id: Some(query_id),
            ..Row::default()
        }
    }

    #[test]
    fn means_are_over_all_looks_also_the_empty_ones() {
        let mut fold = Fold::default();
        let now = Instant::now();
        let mut own = row(9, "", 0);
        own.is_own = true;
        let idle = Row { state: Some("idle in transaction".into()), ..row(3, "Client", 7) };
        let hidden = Row { state: None, ..row(4, "", 0) };
        let worker = Row { backend_type: Some("autovacuum worker".into()), ..row(5, "IO", 0) };
        fold.add(&[row(1, "IO", 7), row(2, "", 8), own.clone(), idle, hidden, worker], now);
        fold.add(&[row(1, "IO", 7), own.clone()], now);
        fold.add(&[own.clone()], now);
        fold.add(&[own], now);
        let sum = fold.sum().unwrap();
        assert_eq!((sum.looks, sum.active_max, sum.hidden_max), (4, 2, 1));
        assert!((sum.active_mean - 0.75).abs() < 1e-9);
        assert_eq!(sum.classes(), [("IO", 0.5), ("CPU", 0.25)]);
        assert_eq!(sum.statements[0].query_id, 7);
        assert!((sum.statements[0].sessions_mean - 0.5).abs() < 1e-9);
        assert_eq!(sum.statements[0].events[0].event, "IOEvent");
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost_from_the_sum() {
        let mut fold = Fold::default();
        let many: Vec<Row> = (1..=5_000).map(|id| row(id, "IO", id)).collect();
        fold.add(&many, Instant::now());
        assert_eq!(fold.statements.len(), STATEMENTS);
        let sum = fold.sum().unwrap();
        let told: f64 = sum.statements.iter().map(|one| one.sessions_mean).sum();
        assert!((told + sum.other_statements_mean - 5_000.0).abs() < 1e-6);
        assert_eq!(sum.statements.len(), TOP);
    }

    #[test]
    fn no_look_is_no_sample() {
        assert_eq!(Fold::default().sum(), None);
    }
}
