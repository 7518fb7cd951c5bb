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

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::MaybeDone, poll};
use tokio::time::timeout;
use tokio_postgres::{Client, types::Type};

use crate::{
    Error,
    canceller::Canceller,
    error::Kind,
    session::{Answer, Facts, Query, Session},
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

/// By which our own statements are known in the server's views and logs.
const TAG: &str = "/* dbvitals */";

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

/// The message before each query, and the query itself.
///
/// Where the limits of all queries so far could add up to more than the budget, the server works out what is left of
/// it when the query's turn comes: the transaction's age is what was spent.
fn texts(queries: &[Query], limit: Duration, budget: Option<Duration>) -> Vec<(String, String)> {
    let mut most = Duration::ZERO;
    let before = |query: &Query| {
        let back = "ROLLBACK TO SAVEPOINT dbvitals";
        most += query.timeout;
        let own = millis(query.timeout);
        let value = match budget.filter(|budget| most > *budget) {
            None if query.timeout == limit => return back.to_owned(),
            None => format!("'{own}'"),
            Some(budget) => {
                let spent = "(extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.now()) * 1000)::int8";
                let left = millis(budget);
                format!("greatest(1, least({own}, {left} - {spent}))::text")
            }
        };
        format!("{back}; SELECT {TAG} pg_catalog.set_config('statement_timeout', {value}, true)")
    };
    let before: Vec<String> = queries.iter().map(before).collect();
    before.into_iter().zip(queries.iter().map(|query| tagged(&query.sql))).collect()
}

/// The text with our tag behind its first word: from 18 on, `pg_stat_statements` drops what stands before that.
pub(crate) fn tagged(sql: &str) -> String {
    let sql = sql.trim_start();
    let comment = if sql.starts_with("/*") { sql.find("*/").map_or(0, |end| end + 2) } else { 0 };
    let (head, rest) = sql.split_at(comment);
    let word = rest.len() - rest.trim_start().trim_start_matches(char::is_alphanumeric).len();
    let (first, rest) = rest.split_at(word);
    format!("{head}{first} {TAG}{rest}")
}

/// The first message: a transaction that can only read, free of whatever is set for the role.
///
/// The role's own limits go first, by statements that look nothing up, so that they hardly ever strike.
fn opening(limit: Duration, facts: &Facts) -> String {
    let mut text = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; ".to_owned();
    if facts.version.major >= 17 {
        text.push_str("SET LOCAL transaction_timeout = 0; ");
    }
    let mut settings = vec![
        ("lock_timeout", "100"),
        ("idle_in_transaction_session_timeout", "60000"),
        ("search_path", "pg_catalog"),
        ("client_min_messages", "error"),
        ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"),
        // A bound, not a demand: catalogues and statement texts are sorted and kept without temporary files.
        ("work_mem", "256MB"),
    ];
    if facts.is_sql_ascii {
        // Otherwise the server fails on stored bytes that are not UTF-8; we replace them ourselves.
        settings.push(("client_encoding", "SQL_ASCII"));
    }
    let call =
        |(name, value): &(&str, &str)| format!("pg_catalog.set_config('{name}', '{value}', true)");
    let mut calls: Vec<String> = settings.iter().map(call).collect();
    if facts.version.major >= 14 {
        // A query whose client is gone, by whatever death, ends soon. Not every platform can tell.
        let call = call(&("client_connection_check_interval", "200"));
        calls.push(format!("CASE WHEN pg_catalog.version() LIKE '%linux%' THEN {call} END"));
    }
    let (millis, calls) = (millis(limit), calls.join(", "));
    text + &format!(
        "SET LOCAL statement_timeout = {millis}; SELECT {TAG} {calls}; SAVEPOINT dbvitals"
    )
}

/// At least one: 0 would mean no limit.
fn millis(limit: Duration) -> u128 {
    limit.as_millis().max(1)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn query(sql: &str, millis: u64) -> Query {
        Query { name: "test", sql: sql.into(), timeout: Duration::from_millis(millis) }
    }

    #[test]
    fn a_limit_is_set_only_where_it_differs() {
        let queries = [query("select 1", 500), query("/* dbvitals:two */ select 2", 800)];
        let texts = texts(&queries, Duration::from_millis(500), None);
        assert_eq!(texts[0].0, "ROLLBACK TO SAVEPOINT dbvitals");
        assert!(texts[1].0.ends_with("set_config('statement_timeout', '800', true)"));
        assert_eq!(texts[0].1, "select /* dbvitals */ 1");
        assert_eq!(texts[1].1, "/* dbvitals:two */ select /* dbvitals */ 2");
    }

    #[test]
    fn what_is_left_of_a_budget_is_reckoned_once_it_can_run_out() {
        let queries = [query("select 1", 500), query("select 2", 500), query("select 3", 500)];
        let limit = Duration::from_millis(500);
        let texts = texts(&queries, limit, Some(Duration::from_millis(1200)));
        assert_eq!(texts[1].0, "ROLLBACK TO SAVEPOINT dbvitals");
        assert!(texts[2].0.contains("greatest(1, least(500, 1200 - "), "{}", texts[2].0);
    }

    #[test]
    fn no_limit_is_never_asked_for() {
        assert_eq!(millis(Duration::ZERO), 1);
    }
}
