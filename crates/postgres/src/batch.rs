//! Many queries in one transaction and, on the wire, in one go.
//!
//! ```text
//! BEGIN READ ONLY; settings; SAVEPOINT     one message
//! ROLLBACK TO SAVEPOINT; time limit        before each query: what came before, even an error, leaves no trace
//! query                                    unnamed statement, binary result
//! ...
//! COMMIT
//! ```
//!
//! All of it is sent before the first answer is awaited. Statements are unnamed and settings end with the
//! transaction, so a pooler in transaction mode is no obstacle. Nothing is written: no transaction id is
//! assigned, savepoints of a reading transaction leave no record, and locks go with each savepoint.

mod text;

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::MaybeDone, poll};
use tokio::time::timeout;
use tokio_postgres::{Client, types::Type};

pub(crate) use self::text::tagged;
use self::text::{opening, texts};
use crate::{
    Error,
    canceller::Canceller,
    error::Kind,
    session::{Answer, Query, Session},
    table::Table,
};

/// How much longer than the server's own limit we wait for an answer.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How often an opening is tried that the role's own `statement_timeout` cut short. Our limit replaces the
/// role's within the opening, so only a limit of about a millisecond can hit it at all.
const OPENINGS: usize = 10;

/// How soon a server has to give up what it is told to give up at the end of all time.
const PROMPT: Duration = Duration::from_millis(300);

/// Less time than this is none: a query could not even be sent and answered.
const LEAST: Duration = Duration::from_millis(2);

type Step<'a, T> = Pin<Box<MaybeDone<Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>>>>;

impl Session {
    /// Asks all queries at once, in one read-only transaction; the answers come in the same order.
    ///
    /// A query that fails, is refused or runs out of time harms no other. After a lost connection the
    /// remaining answers say so. Dropping the future ends the connection.
    pub async fn batch(&mut self, queries: &[Query]) -> Vec<Answer> {
        self.batch_until(queries, None).await
    }

    /// The same, with a time by which all of it is over: each query's own limit holds, and so does the time that is
    /// left when its turn comes. Queries whose turn comes later are not run.
    pub async fn batch_until(
        &mut self,
        queries: &[Query],
        deadline: Option<Instant>,
    ) -> Vec<Answer> {
        if queries.is_empty() {
            return Vec::new();
        }
        let budget = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if budget.is_some_and(|budget| budget < LEAST) {
            let over = || Answer::failed(Kind::OutOfTime.into(), 0.0);
            return queries.iter().map(|_| over()).collect();
        }
        let guard = InFlight::of(&self.canceller);
        let mut answers = self.opened_batch(queries, budget).await;
        if let Some(deadline) = deadline {
            for answer in &mut answers {
                answer.blame(deadline);
            }
        }
        guard.disarm();
        if self.lost.is_some() {
            self.canceller.abort().await;
        }
        answers
    }

    async fn opened_batch(&mut self, queries: &[Query], budget: Option<Duration>) -> Vec<Answer> {
        let mut trouble = self.lost.clone();
        for _ in 0..OPENINGS {
            if self.lost.is_some() {
                break;
            }
            match self.pipeline(queries, budget).await {
                Ok(answers) => return answers,
                Err(error) => {
                    let again = error.is_timeout() && error.sqlstate().is_some();
                    trouble = Some(error);
                    if !again {
                        break;
                    }
                }
            }
        }
        let trouble = trouble.unwrap_or_else(|| self.lost_error());
        queries.iter().map(|_| Answer::failed(trouble.clone(), 0.0)).collect()
    }

    /// Sends everything, then reads the answers. The error is that of the opening.
    async fn pipeline(
        &mut self,
        queries: &[Query],
        budget: Option<Duration>,
    ) -> Result<Vec<Answer>, Error> {
        let limit = queries.first().map_or(GRACE, |query| query.timeout);
        let limit = budget.map_or(limit, |budget| limit.min(budget));
        let texts = texts(queries, limit, budget);
        let opening_text = opening(limit, &self.facts);
        let client = &self.client;
        let mut opening = send(run(client, &opening_text)).await;
        let mut steps = Vec::with_capacity(queries.len());
        for (before, sql) in &texts {
            steps.push((send(run(client, before)).await, send(fetch(client, sql)).await));
        }
        let mut closing = send(run(client, "COMMIT")).await;

        let mut previous = Instant::now();
        let begun = previous;
        // With a time for all of it, a server that hangs keeps us no longer than that.
        let patience = |limit: Duration| match budget {
            Some(budget) => (limit + GRACE).min(budget.saturating_sub(begun.elapsed()) + PROMPT),
            None => limit + GRACE,
        };
        let mut lost = None;
        let mut answers = Vec::with_capacity(queries.len());
        let opened = answer(&mut opening, patience(limit), "opening a transaction").await;
        if opened.is_ok() {
            for (query, (before, rows)) in queries.iter().zip(&mut steps) {
                let result = match &lost {
                    Some(_) => Err(self.lost_error()),
                    None => both(before, rows, patience(query.timeout)).await,
                };
                let now = Instant::now();
                let elapsed_ms = (now - previous).as_secs_f64() * 1000.0;
                previous = now;
                let result = result.map_err(|error| self.with_reason(error));
                if let Err(error) = &result
                    && is_final(error)
                {
                    lost.get_or_insert_with(|| error.clone());
                }
                answers.push(Answer::new(result, elapsed_ms));
            }
        }
        if lost.is_none()
            && let Err(error) = answer(&mut closing, GRACE, "ending a transaction").await
        {
            lost = is_final(&error).then_some(error);
        }
        let opened = opened.map_err(|error| self.with_reason(error));
        if let Err(error) = &opened
            && is_final(error)
        {
            lost = Some(error.clone());
        }
        drop((opening, steps, closing));
        self.lost = lost;
        opened.map(|()| answers)
    }

    /// A closed connection's error, with the reason the connection ended for.
    fn with_reason(&self, error: Error) -> Error {
        if error.is_lost() { self.lost_error() } else { error }
    }
}

impl Answer {
    /// Says of a query that was cut short at the end of all time that the time was over, and not its own limit.
    fn blame(&mut self, deadline: Instant) {
        let is_cut =
            self.result.as_ref().is_err_and(|error| error.is_timeout() && !is_final(error));
        if is_cut && self.ended_at.is_some_and(|at| at + LEAST >= deadline) {
            self.result = Err(Kind::OutOfTime.into());
        }
    }

    pub(crate) fn new(result: Result<Table, Error>, elapsed_ms: f64) -> Self {
        let (rows, bytes) = match &result {
            Ok(table) => (table.rows.len() as u64, table.bytes),
            Err(_) => (0, 0),
        };
        Self { result, elapsed_ms, rows, bytes, ended_at: Some(Instant::now()) }
    }

    pub(crate) fn failed(error: Error, elapsed_ms: f64) -> Self {
        Self::new(Err(error), elapsed_ms)
    }
}

/// Ends the connection, unless disarmed, when a batch is dropped half-way.
pub(crate) struct InFlight {
    canceller: Canceller,
    armed: bool,
}

impl InFlight {
    pub(crate) fn of(canceller: &Canceller) -> Self {
        Self { canceller: canceller.clone(), armed: true }
    }

    pub(crate) fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.armed {
            self.canceller.abort_in_background();
        }
    }
}

/// After this error nothing more can be read: the connection is gone, or answers are overdue.
fn is_final(error: &Error) -> bool {
    error.is_lost() || matches!(error.kind(), Kind::TimedOut { .. } | Kind::Protocol { .. })
}

/// Polls once, which puts the message on the wire's queue; the order of calls is the order of messages.
async fn send<'a, T>(request: impl Future<Output = Result<T, Error>> + Send + 'a) -> Step<'a, T> {
    let boxed: Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>> = Box::pin(request);
    let mut step = Box::pin(MaybeDone::Future(boxed));
    let _ = poll!(&mut step);
    step
}

async fn both(
    before: &mut Step<'_, ()>,
    rows: &mut Step<'_, Table>,
    limit: Duration,
) -> Result<Table, Error> {
    let start = Instant::now();
    let first = answer(before, limit, "waiting for an answer").await;
    if let Err(error) = &first
        && is_final(error)
    {
        return Err(error.clone());
    }
    // Rows are read even if what came before them failed: unread, they would block what comes after.
    let rows = answer(rows, limit.saturating_sub(start.elapsed()), "waiting for an answer").await;
    first.and(rows)
}

async fn answer<T>(
    step: &mut Step<'_, T>,
    limit: Duration,
    doing: &'static str,
) -> Result<T, Error> {
    match timeout(limit, step.as_mut()).await {
        Ok(()) => {
            step.as_mut().take_output().unwrap_or_else(|| Err(Kind::Lost { source: None }.into()))
        }
        Err(_) => Err(Kind::TimedOut { doing, after: limit }.into()),
    }
}

async fn run(client: &Client, text: &str) -> Result<(), Error> {
    client.batch_execute(text).await.map_err(Error::from)
}

async fn fetch(client: &Client, sql: &str) -> Result<Table, Error> {
    let none: [(&str, Type); 0] = [];
    let mut rows = Box::pin(client.query_typed_raw(sql, none).await?);
    let mut table = Table::default();
    while let Some(row) = rows.next().await {
        table.push(&row?).map_err(|trouble| Kind::Unreadable(trouble.to_string()))?;
    }
    Ok(table)
}
