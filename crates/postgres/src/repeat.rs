//! A query asked again and again on one connection: prepared once, so that asking costs the server little.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tokio::time::timeout;
use tokio_postgres::{Statement, types::ToSql};

use crate::{
    Error,
    batch::{GRACE, InFlight, tagged},
    error::Kind,
    session::{Answer, Query, Session},
    table::Table,
};

/// A query to be asked many times. Behind a pooler it is no prepared statement, since the next time another of
/// the server's sessions may answer.
#[derive(Debug)]
pub(crate) struct Repeated {
    query: Query,
    statement: Option<Statement>,
}

impl Session {
    /// Prepares a query that only reads and takes no lock it could wait for.
    pub(crate) async fn repeated(
        &mut self,
        query: Query,
        has_pooler: bool,
    ) -> Result<Repeated, Error> {
        if has_pooler {
            return Ok(Repeated { query, statement: None });
        }
        if self.lost.is_some() {
            return Err(self.lost_error());
        }
        let guard = InFlight::of(&self.canceller);
        let sql = tagged(&query.sql);
        let prepared = timeout(query.timeout + GRACE, self.client.prepare(&sql)).await;
        guard.disarm();
        match prepared {
            Ok(Ok(statement)) => Ok(Repeated { query, statement: Some(statement) }),
            Ok(Err(error)) => Err(self.noted(error.into())),
            Err(_) => Err(self.overdue("preparing a statement", query.timeout + GRACE).await),
        }
    }

    /// Asks once more. Prepared, it is a transaction of its own, which a single `SELECT` cannot make a writing one.
    pub(crate) async fn again(&mut self, repeated: &Repeated) -> Answer {
        let Some(statement) = &repeated.statement else {
            let answer = self.batch(std::slice::from_ref(&repeated.query)).await.pop();
            return answer.unwrap_or_else(|| Answer::failed(self.lost_error(), 0.0));
        };
        if self.lost.is_some() {
            return Answer::failed(self.lost_error(), 0.0);
        }
        let start = Instant::now();
        let limit = repeated.query.timeout + GRACE;
        let guard = InFlight::of(&self.canceller);
        let asked = timeout(limit, self.rows(statement)).await;
        guard.disarm();
        let result = match asked {
            Ok(Ok(table)) => Ok(table),
            Ok(Err(error)) => Err(self.noted(error)),
            Err(_) => Err(self.overdue("waiting for an answer", limit).await),
        };
        Answer::new(result, start.elapsed().as_secs_f64() * 1000.0)
    }

    async fn rows(&self, statement: &Statement) -> Result<Table, Error> {
        let none: [&(dyn ToSql + Sync); 0] = [];
        let rows = self.client.query_raw(statement, none).await?;
        let mut rows = Box::pin(rows);
        let mut table = Table::default();
        while let Some(row) = rows.next().await {
            table.push(&row?).map_err(|trouble| Kind::Unreadable(trouble.to_string()))?;
        }
        Ok(table)
    }

    /// Remembers an error after which nothing more can be asked.
    fn noted(&mut self, error: Error) -> Error {
        if error.is_lost() {
            self.lost = Some(self.lost_error());
            return self.lost_error();
        }
        error
    }

    async fn overdue(&mut self, doing: &'static str, after: Duration) -> Error {
        let error = Error::from(Kind::TimedOut { doing, after });
        self.lost = Some(error.clone());
        self.canceller.abort().await;
        error
    }
}
